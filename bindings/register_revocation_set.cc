// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "define.h"
#include "tessera/revocation_set.h"

namespace tessera::bindings {

namespace {

using SetClass = py::class_<RevocationSet, std::shared_ptr<RevocationSet>>;

void define_writing(SetClass& set) {
  define_method(
      set, "revoke_jti(self, jti, *, expires_at)",
      "Revokes one token. `expires_at`: seconds since 1970 until which the entry is kept; not before the token is "
      "dead.",
      [](RevocationSet& self, const py::object& jti, const py::object& expires_at) {
        self.revoke_jti(text(jti, "jti"), integer(expires_at, "expires_at"));
      },
      py::arg("jti"), py::kw_only(), py::arg("expires_at"));
  define_method(
      set, "revoke_session(self, session_id, *, expires_at)", "Revokes every token of a session (claim sid).",
      [](RevocationSet& self, const py::object& session_id, const py::object& expires_at) {
        self.revoke_session(text(session_id, "session_id"), integer(expires_at, "expires_at"));
      },
      py::arg("session_id"), py::kw_only(), py::arg("expires_at"));
  define_method(
      set, "cut_off(self, tenant_id, subject, *, cutoff_ms, expires_at)",
      "Kills every session of the subject that was created at or before `cutoff_ms` (milliseconds since 1970).",
      [](RevocationSet& self, const py::object& tenant_id, const py::object& subject, const py::object& cutoff_ms,
         const py::object& expires_at) {
        self.cut_off(text(tenant_id, "tenant_id"), text(subject, "subject"), integer(cutoff_ms, "cutoff_ms"),
                     integer(expires_at, "expires_at"));
      },
      py::arg("tenant_id"), py::arg("subject"), py::kw_only(), py::arg("cutoff_ms"), py::arg("expires_at"));
}

void define_reading(SetClass& set) {
  define_method(
      set, "is_jti_revoked(self, jti)", "Whether revoke_jti named it and it was not purged since. Keeps the GIL.",
      [](const RevocationSet& self, const py::object& jti) { return self.is_jti_revoked(text(jti, "jti")); },
      py::arg("jti"));
  define_method(
      set, "is_session_revoked(self, session_id)", "Whether revoke_session named it. Keeps the GIL.",
      [](const RevocationSet& self, const py::object& session_id) {
        return self.is_session_revoked(text(session_id, "session_id"));
      },
      py::arg("session_id"));
  define_method(
      set, "is_cut_off(self, tenant_id, subject, *, created_ms)",
      "Whether a cut-off of the subject is at or after `created_ms` (milliseconds since 1970). Keeps the GIL.",
      [](const RevocationSet& self, const py::object& tenant_id, const py::object& subject,
         const py::object& created_ms) {
        return self.is_cut_off(text(tenant_id, "tenant_id"), text(subject, "subject"),
                               integer(created_ms, "created_ms"));
      },
      py::arg("tenant_id"), py::arg("subject"), py::kw_only(), py::arg("created_ms"));
  set.def_property_readonly("bytes_used", &RevocationSet::bytes, "Memory held now, in bytes.");
  set.def("__len__", &RevocationSet::size);
}

void define_keeping(SetClass& set) {
  define_method(
      set, "purge(self, *, now=None)",
      "Drops entries whose expiry is at or before `now` (seconds, the present if None); returns how many went.\n"
      "Releases the GIL.",
      [](RevocationSet& self, const py::object& now) {
        const std::int64_t seconds = seconds_or_now(now);
        return without_gil([&] { return self.purge(seconds); });
      },
      py::kw_only(), py::arg("now") = py::none());
  define_method(
      set, "save(self, path)",
      "Writes every entry to a file that only this user can read (hashes and their secret, no id). Releases the GIL.\n"
      "Raises StateError.",
      [](const RevocationSet& self, const py::object& path) {
        const std::string name(text(path, "path"));
        unwrap(without_gil([&] { return self.save(name); }));
      },
      py::arg("path"));
  define_method(
      set, "load(self, path)",
      "Replaces the content by a saved file: all of it or, on StateError, nothing. Releases the GIL.",
      [](RevocationSet& self, const py::object& path) {
        const std::string name(text(path, "path"));
        unwrap(without_gil([&] { return self.load(name); }));
      },
      py::arg("path"));
}

}  // namespace

void register_revocation_set(py::module_& module) {
  SetClass set(
      module, "RevocationSet", py::is_final(),
      "Revoked token ids and sessions, and cut-offs of subjects, each until an expiry in seconds. Nothing is ever\n"
      "un-revoked: adding again keeps the later expiry. Threads may share it: readers never wait, writers take "
      "turns.");
  define_init(set, "__init__(self)", "An empty set.", [] { return std::make_shared<RevocationSet>(); });
  define_writing(set);
  define_reading(set);
  define_keeping(set);
}

}  // namespace tessera::bindings
