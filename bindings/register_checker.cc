// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "bound_verifier.h"
#include "define.h"
#include "tessera/checker.h"

namespace tessera::bindings {

namespace {

py::str status_name(const Verdict& verdict) {
  switch (verdict.status) {
    case Verdict::Status::alive:
      return "alive";
    case Verdict::Status::dead:
      return "dead";
    case Verdict::Status::no_record:
      return "no_record";
    case Verdict::Status::ask_store:
      return "ask_store";
  }
  return "dead";
}

py::object cause(const Verdict& verdict) {
  return verdict.status == Verdict::Status::dead ? py::object(to_str(code(verdict.cause))) : py::none();
}

py::object claims(const Verdict& verdict) {
  return verdict.token ? py::object(to_bytes(verdict.token->payload())) : py::none();
}

py::object type(const Verdict& verdict) {
  return verdict.token ? py::object(to_str(verdict.token->type())) : py::none();
}

py::object session(const Verdict& verdict) {
  const bool alive = verdict.status == Verdict::Status::alive && verdict.session.has_value();
  return alive ? py::object(to_bytes(verdict.session->bytes())) : py::none();
}

void register_verdict(py::module_& module) {
  py::class_<Verdict, std::shared_ptr<Verdict>> verdict(
      module, "Verdict", py::is_final(), "What Checker.check found. Immutable; may be shared between threads.");
  refuse_init(verdict, "Checker.check");
  verdict.def_property_readonly("status", &status_name,
                                "\"alive\"; \"dead\" (cause says why); \"no_record\": right so far, but no snapshot "
                                "here, read it from the store;\n\"ask_store\": right so far, but the mirror is stale.");
  verdict.def_property_readonly("cause", &cause, "The cause of \"dead\", for example \"token_expired\"; else None.");
  verdict.def_property_readonly("claims", &claims,
                                "The payload as it was signed, when signature and claims were right.");
  verdict.def_property_readonly("type", &type, "Header typ, when signature and claims were right.");
  verdict.def_property_readonly("session", &session, "The snapshot's own bytes, when alive.");
  verdict.def("__repr__", [](const Verdict& self) {
    return py::str("<tessera.Verdict status={!r} cause={!r}>").format(status_name(self), cause(self));
  });
}

/// The sum, or the end of time.
std::int64_t deadline(std::int64_t since_ns, std::int64_t milliseconds) {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kNanoseconds = 1'000'000;
  if (milliseconds > (kEnd - since_ns) / kNanoseconds) return kEnd;
  return since_ns + milliseconds * kNanoseconds;
}

std::shared_ptr<Checker> make_checker(const py::object& verifier, const py::object& revocations,
                                      const py::object& sessions) {
  return std::make_shared<Checker>(instance<BoundVerifier>(verifier, "verifier")->verifier,
                                   instance<RevocationSet>(revocations, "revocations"),
                                   instance<SessionTable>(sessions, "sessions"));
}

}  // namespace

void register_checker(py::module_& module) {
  register_verdict(module);
  py::class_<Checker, std::shared_ptr<Checker>> checker(module, "Checker", py::is_final(),
                                                        "The hot path in one call; keeps the GIL. Threads may share "
                                                        "it. It starts closed: until keep_fresh_for every token\n"
                                                        "that is right so far is \"ask_store\".");
  define_init(checker, "__init__(self, verifier, *, revocations, sessions)",
              "`verifier`: its policy, keys and cache are used; `revocations` is the set that counts here.",
              &make_checker, py::arg("verifier"), py::kw_only(), py::arg("revocations"), py::arg("sessions"));
  define_method(
      checker, "check(self, token, *, now=None)",
      "Signature and claims right, not revoked, mirror fresh, record there, not cut off? Never raises for a bad "
      "token.\n"
      "`now`: seconds since 1970, the present if None.",
      [](const Checker& self, const py::object& token, const py::object& now) {
        return std::make_shared<Verdict>(self.check(text_or_bytes(token, "token"), seconds_or_now(now)));
      },
      py::arg("token"), py::kw_only(), py::arg("now") = py::none());
  define_method(
      checker, "keep_fresh_for(self, milliseconds, *, since_boottime_ns)",
      "The mirror may answer until `since_boottime_ns` (boottime_ns() when the poll was sent) plus `milliseconds`.\n"
      "A deadline before the present one changes nothing.",
      [](Checker& self, const py::object& milliseconds, const py::object& since_boottime_ns) {
        self.keep_fresh_until(deadline(integer_from(0, since_boottime_ns, "since_boottime_ns"),
                                       integer_from(0, milliseconds, "milliseconds")));
      },
      py::arg("milliseconds"), py::kw_only(), py::arg("since_boottime_ns"));
  define_method(checker, "close(self)", "The mirror answers nothing until the next keep_fresh_for.",
                [](Checker& self) { self.close(); });
  checker.def_property_readonly("is_fresh", &Checker::is_fresh, "Whether the mirror may answer now.");
  define_function(module, "boottime_ns()", "CLOCK_BOOTTIME in nanoseconds.", &Checker::boottime_ns);
}

}  // namespace tessera::bindings
