# SPDX-License-Identifier: Apache-2.0
"""Users of a real service: made and changed by command, signing in and out over HTTP."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx

from e2e.process import CALLS, ServiceProcess

PASSWORD = "canary horse battery"


class Pair(NamedTuple):
    """What whoever signed in has."""

    access: str
    refresh: str
    session_id: str


class Person:
    """A user, and the program that the user signs in with."""

    def __init__(
        self, service: ServiceProcess, tenant: str, name: str, user_id: str, headers: Mapping[str, str] | None
    ) -> None:
        self._service = service
        self._headers = {"x-tenant-id": tenant, "x-request-id": "e2e-1", **(headers or {})}
        self.tenant = tenant
        self.name = name
        self.user_id = user_id

    def post(self, path: str, body: object = None, *, bearer: str | None = None) -> httpx.Response:
        """A call as the user's program makes it."""
        headers = self._headers | ({} if bearer is None else {"authorization": f"Bearer {bearer}"})
        return CALLS.post(self._service.url + path, json=body, headers=headers)

    def get(self, path: str, *, bearer: str, **query: str | int) -> httpx.Response:
        """Likewise."""
        headers = self._headers | {"authorization": f"Bearer {bearer}"}
        return CALLS.get(self._service.url + path, headers=headers, params=query)

    def sign_in(self, password: str = PASSWORD) -> Pair:
        """By name and password."""
        return read_pair(self.try_password(password))

    def try_password(self, password: str) -> httpx.Response:
        """The same, whatever comes of it."""
        return self.post("/auth/login", {"login_type": "local", "username": self.name, "password": password})

    def command(self, verb: str, *arguments: str) -> None:
        """An operator's command about this user."""
        done = self._service.command("users", verb, "--tenant", self.tenant, self.user_id, *arguments)
        assert done.returncode == 0, done.stderr


def read_pair(answer: httpx.Response) -> Pair:
    """The pair of a sign-in or a refresh of the auth or token surface."""
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    assert data["token_type"] == "Bearer"
    return Pair(data["access_token"], data["refresh_token"], data["session_id"])


def add_person(
    service: ServiceProcess,
    name: str = "alice",
    *arguments: str,
    tenant: str = "default",
    headers: Mapping[str, str] | None = None,
) -> Person:
    """A new user with PASSWORD. `headers`: what the user's program sends with every call."""
    given = ("--tenant", tenant, "--username", name, "--password-stdin", "--json", *arguments)
    done = service.command("users", "add", *given, given=PASSWORD + "\n")
    assert done.returncode == 0, done.stderr
    return Person(service, tenant, name, json.loads(done.stdout)["user_id"], headers)
