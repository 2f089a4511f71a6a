// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "define.h"
#include "tessera/session_table.h"

namespace tessera::bindings {

namespace {

using TableClass = py::class_<SessionTable, std::shared_ptr<SessionTable>>;

bool put(SessionTable& table, const py::object& ticket, const py::object& id, const py::object& tenant_id,
         const py::object& subject, const py::object& created_ms, const py::object& expires_at,
         const py::object& data) {
  SessionSnapshot snapshot({.id = text(id, "id"),
                            .tenant_id = text(tenant_id, "tenant_id"),
                            .subject = text(subject, "subject"),
                            .created_ms = integer(created_ms, "created_ms"),
                            .expires_at = integer(expires_at, "expires_at"),
                            .bytes = bytes(data, "data")});
  return table.put(static_cast<SessionTable::Ticket>(integer_from(0, ticket, "ticket")), std::move(snapshot));
}

py::object find(const SessionTable& table, const py::object& id, const py::object& now) {
  const auto snapshot = table.find(text(id, "id"), seconds_or_now(now));
  return snapshot ? py::object(to_bytes(snapshot->bytes())) : py::none();
}

void define_filling(TableClass& table) {
  define_method(table, "ticket(self)", "To be taken before the store is read, and passed to put.",
                [](const SessionTable& self) { return self.ticket(); });
  define_method(
      table, "put(self, ticket, *, id, tenant_id, subject, created_ms, expires_at, data)",
      "Keeps a snapshot. `created_ms`: milliseconds since 1970; `expires_at`: seconds, exclusive; `data`: the\n"
      "caller's own bytes. False when that id or subject was dropped, or the table cleared, since the ticket.",
      &put, py::arg("ticket"), py::kw_only(), py::arg("id"), py::arg("tenant_id"), py::arg("subject"),
      py::arg("created_ms"), py::arg("expires_at"), py::arg("data"));
  define_method(table, "find(self, id, *, now=None)",
                "The data, or None when it is unknown or its expiry is at or before `now` (seconds, the present if "
                "None).",
                &find, py::arg("id"), py::kw_only(), py::arg("now") = py::none());
}

void define_dropping(TableClass& table) {
  define_method(
      table, "drop(self, id)", "Forgets one session; fills under way for it will be refused.",
      [](SessionTable& self, const py::object& id) { self.drop(text(id, "id")); }, py::arg("id"));
  define_method(
      table, "drop_subject(self, tenant_id, subject)", "Forgets every session of the subject, as drop.",
      [](SessionTable& self, const py::object& tenant_id, const py::object& subject) {
        self.drop_subject(text(tenant_id, "tenant_id"), text(subject, "subject"));
      },
      py::arg("tenant_id"), py::arg("subject"));
  define_method(table, "clear(self)", "Forgets everything, as drop.", [](SessionTable& self) { self.clear(); });
  table.def("__len__", &SessionTable::size);
}

}  // namespace

void register_session_table(py::module_& module) {
  TableClass table(
      module, "SessionTable", py::is_final(),
      "Snapshots of live sessions by id, bounded in entries: the least recently used go. Take a ticket before\n"
      "reading the store and pass it to put: a fill that races a drop must lose. Threads may share it; it keeps "
      "the GIL.");
  define_init(
      table, "__init__(self, *, max_entries=1000000)", "`max_entries`: snapshots that it may hold, at least 1.",
      [](const py::object& max_entries) {
        return std::make_shared<SessionTable>(static_cast<std::size_t>(integer_from(1, max_entries, "max_entries")));
      },
      py::kw_only(), py::arg("max_entries") = 1000000);
  define_filling(table);
  define_dropping(table);
}

}  // namespace tessera::bindings
