# SPDX-License-Identifier: Apache-2.0
"""The tokens of a session, presented at every endpoint of a real service that takes them."""

from typing import Any, NamedTuple

import httpx

from e2e.people import Pair
from e2e.process import CALLS, Client, ServiceProcess

GATEWAY = "/api/v1/sessions"
INTROSPECTION = "/v1/token/introspect"
DEAD = None


class Row(NamedTuple):
    """A call with a token of a session that has ended, and how it is refused. In braces: a member of the pair."""

    method: str
    path: str
    status: int
    says: str
    bearer: str | None = None
    body: tuple[tuple[str, str], ...] | None = None


OVER = ("auth.token.already_revoked", "auth.session.revoked", "session_inactive")
REFUSALS = (
    Row("POST", "/v1/token", 401, "auth.unauthorized", "access", (("sub", "mallory"),)),
    Row("POST", "/v1/token/revoke", 401, "auth.unauthorized", "access", ()),
    Row("POST", INTROSPECTION, 401, "auth.unauthorized", "access", (("token", "{access}"),)),
    Row("POST", "/v1/token/refresh", 400, "auth.refresh.invalid", "access"),
    Row("POST", "/v1/token/refresh", 403, OVER[1], "refresh"),
    Row("POST", "/v1/token/refresh", 403, OVER[1], None, (("refresh_token", "{refresh}"),)),
    Row("GET", "/auth/sessions", 401, "auth.token.invalid", "access"),
    Row("POST", "/auth/sessions/{session_id}/revoke", 401, "auth.token.invalid", "access"),
    Row("POST", "/auth/logout", 400, OVER[0], "access"),
    Row("POST", "/auth/logout", 400, OVER[0], "refresh"),
    Row("GET", "/api/v1/auth/session", 401, '"isValid":false', "access"),
    Row("GET", "/api/v1/auth/session?accessToken={access}", 401, '"isValid":false'),
    Row("POST", "/api/v1/auth/refresh", 401, '"success":false', None, (("refreshToken", "{refresh}"),)),
    Row(
        *("POST", "/api/v1/auth/logout", 401, '"success":false', None),
        (("accessToken", "{access}"), ("sessionId", "{session_id}")),
    ),
    Row("GET", "/v1/authz", 401, "", "access"),
    Row("POST", f"{GATEWAY}/validate", 200, OVER[2], None, (("token", "{access}"),)),
    Row("POST", f"{GATEWAY}/refresh", 401, OVER[2], "access"),
    Row("POST", f"{GATEWAY}/logout", 401, OVER[2], "access"),
    Row("POST", f"{GATEWAY}/logout", 401, OVER[2], None, (("token", "{access}"),)),
    Row("GET", f"{GATEWAY}/user/alice", 401, OVER[2], "access"),
    Row("DELETE", f"{GATEWAY}/user/alice", 401, OVER[2], "access"),
    Row("DELETE", f"{GATEWAY}/{{session_id}}", 401, OVER[2], "access"),
    Row("POST", "/session-token/validate", 200, '"is_valid":false', None, (("session_token", "{access}"),)),
)


class Seen(NamedTuple):
    """Whose session it is, by the word of a surface."""

    user_id: str
    session_id: str


class Everywhere:
    """All surfaces of a service, in one tenant. Each call comes over a connection of its own, so that of several
    workers now this one answers and now that."""

    def __init__(self, service: ServiceProcess, *, tenant: str = "default") -> None:
        self._service = service
        self._tenant = tenant
        self.bearer = service.mint("token.introspect", "token.generate", "session.read:any", tenant=tenant)
        self._operator = Client(service, self.bearer, tenant=tenant)

    def see(self, access: str) -> dict[str, Seen | None]:
        """What every surface says of a session by its access token. Nothing of it changes the session."""
        return {
            "token": self._introspect(access),
            "gateway": self._validate(access),
            "legacy_auth": self._session(access),
            "authz": self._ask(access),
            "auth": self._list(access),
            "oauth2": self._introspect_by_rfc(access),
        }

    def permissions(self, access: str) -> set[tuple[str, ...]]:
        """What a live session may, by those who tell it."""
        gateway, legacy = self._tell_user(access)
        authz = self._call("GET", "/v1/authz", bearer=access).headers["x-auth-permissions"].split()
        introspected = self._operator.introspect(access)["permissions"]
        return set(map(tuple, (gateway["permissions"], legacy["permissions"], authz, introspected)))

    def roles(self, access: str) -> set[str]:
        """The first role of a live session's user, by those who tell it."""
        gateway, legacy = self._tell_user(access)
        return {gateway["role_name"], legacy["userInfo"]["roles"][0]}

    def who_takes(self, pair: Pair) -> dict[str, str]:
        """Who does anything at all for either token, and the answer: nobody once the session has ended."""
        answers = {row: self._present(row, pair) for row in REFUSALS}
        taken = {
            f"{row.method} {row.path} {row.body}": answer.text
            for row, answer in answers.items()
            if answer.status_code != row.status or row.says not in answer.text
        }
        for token in (pair.access, pair.refresh):
            said = (self._operator.introspect(token), self._introspect_by_form(token))
            taken |= {f"introspection {one}": str(one) for one in said if one != {"active": False}}
        return taken

    def _introspect_by_form(self, token: str) -> Any:
        headers = {"authorization": f"Bearer {self.bearer}"}
        return CALLS.post(f"{self._service.url}/oauth2/introspect", data={"token": token}, headers=headers).json()

    def _present(self, row: Row, pair: Pair) -> httpx.Response:
        given = pair._asdict()
        body = None if row.body is None else {name: value.format(**given) for name, value in row.body}
        bearer = None if row.bearer is None else given[row.bearer]
        return self._call(row.method, row.path.format(**given), body, bearer=bearer)

    def _introspect(self, access: str) -> Seen | None:
        said = self._operator.introspect(access)
        return Seen(said["sub"], said["session_id"]) if said != {"active": False} else DEAD

    def _introspect_by_rfc(self, access: str) -> Seen | None:
        said = self._introspect_by_form(access)
        return Seen(said["sub"], said["session_id"]) if said != {"active": False} else DEAD

    def _validate(self, access: str) -> Seen | None:
        said = self._call("POST", f"{GATEWAY}/validate", {"token": access}).json()
        if said["is_valid"] is False:
            assert said["error_code"] == "session_inactive"
            return DEAD
        return Seen(said["session"]["user_id"], said["session"]["session_id"])

    def _session(self, access: str) -> Seen | None:
        answer = self._call("GET", "/api/v1/auth/session", bearer=access)
        if answer.status_code == 401:
            assert answer.json()["isValid"] is False
            return DEAD
        return Seen(answer.json()["userId"], answer.json()["sessionId"])

    def _ask(self, access: str) -> Seen | None:
        answer = self._call("GET", "/v1/authz", bearer=access)
        told = Seen(answer.headers["x-auth-subject"], answer.headers["x-auth-session"])
        if answer.status_code == 401:
            assert told == ("", "")
            return DEAD
        return told

    def _list(self, access: str) -> Seen | None:
        answer = self._call("GET", "/auth/sessions?status=active", bearer=access)
        if answer.status_code == 401:
            return DEAD
        (session,) = answer.json()["data"]
        return Seen(session["user_id"], session["session_id"])

    def _tell_user(self, access: str) -> tuple[dict[str, Any], dict[str, Any]]:
        gateway = self._call("POST", f"{GATEWAY}/validate", {"token": access}).json()
        return gateway["session"], self._call("GET", "/api/v1/auth/session", bearer=access).json()

    def _call(self, method: str, path: str, body: object = None, *, bearer: str | None = None) -> httpx.Response:
        headers = {"x-tenant-id": self._tenant, "x-request-id": "e2e-1"}
        if bearer is not None:
            headers["authorization"] = f"Bearer {bearer}"
        return CALLS.request(method, self._service.url + path, json=body, headers=headers)
