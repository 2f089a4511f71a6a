# SPDX-License-Identifier: Apache-2.0
"""Passwords, codes, secrets and tokens of a run, used rightly and wrongly against a service that works and against one
whose store fails: none stands in anything that it says or writes but where it belongs."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from e2e.canaries import METHODS, Canaries, CodeHook, Recorder, without_table, write_locked
from e2e.conftest import Start
from e2e.hook import Hook, wait_until
from e2e.process import ServiceProcess, run

pytestmark = pytest.mark.slow

SETTINGS = {
    "master_key": "5ec2e7" * 10 + "c0de",
    "redis_password": "canary-of-redis-4711",
    "gateway_setting": "canary-of-the-gateway-setting",
    "hook_secret": "canary-of-the-event-hook",
    "hook_token": "canary-in-the-address-of-the-event-hook",
    "code_hook_secret": "canary-of-the-code-hook",
    "code_hook_token": "canary-in-the-address-of-the-code-hook",
}
PERSON = {
    "password": "canary horse battery",
    "wrong_password": "wrong canary horse",
    "email": "canary-mail@example.com",
    "number": "+84901234567",
}
BOB = {"user_id": "bob", "username": "bob", "role_name": "user", "permissions": []}
TOKENS = ("access", "refresh")
FIELDS = (
    *("login_type", "username", "email", "password", "phone_number", "otp_code", "grant_type", "sub", "scope", "token"),
    *("session_id", "refresh_token", "refreshToken", "accessToken", "sessionId", "session_token", "access_key_id"),
    *("secret_access_key", "duration_seconds", "resource", "permission", "user_id", "username", "role_name", "reason"),
)
TABLES = ("users", "sessions", "hits", "codes", "access_keys", "gateway_keys", "session_tokens", "outbox", "tenants")


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as running:
        yield running


@pytest.fixture
def code_hook() -> Iterator[CodeHook]:
    with CodeHook() as running:
        yield running


def settings(hook: Hook, code_hook: CodeHook) -> dict[str, str]:
    """Every setting that holds a secret. Nobody listens at the address of Redis."""
    return {
        "LOG_LEVEL": "debug",
        "RATE_LIMIT": "off",
        "LOGIN_MAX_ATTEMPTS": "1000",
        "TESSERA_MASTER_KEY": SETTINGS["master_key"],
        "REDIS_URL": f"redis://:{SETTINGS['redis_password']}@127.0.0.1:1/0",
        "EVENT_STREAM": "events",
        "GATEWAY_API_KEY": SETTINGS["gateway_setting"],
        "EVENT_WEBHOOK_URL": f"{hook.url}?key={SETTINGS['hook_token']}",
        "EVENT_WEBHOOK_SECRET": SETTINGS["hook_secret"],
        "OTP_PROVIDER": "webhook",
        "OTP_WEBHOOK_URL": f"{code_hook.url}?key={SETTINGS['code_hook_token']}",
        "OTP_WEBHOOK_SECRET": SETTINGS["code_hook_secret"],
    }


class Run:
    """A service, what is secret about it, and what it said."""

    def __init__(self, service: ServiceProcess) -> None:
        self.service = service
        self.canaries = Canaries(**SETTINGS, **PERSON)
        self.recorder = Recorder(service)
        self.call = self.recorder.call
        self.printed: list[tuple[str, str, tuple[str, ...]]] = []

    def command(self, *arguments: str, given: str = "", gives: tuple[str, ...] = ()) -> str:
        """A command; its words are kept as answers are."""
        done = self.service.command(*arguments, given=given)
        self.printed.append((" ".join(arguments[:2]), done.stdout + done.stderr, gives))
        return done.stdout

    def prepare(self) -> None:
        """A user, an access key, a gateway key and an operator's token."""
        names = ("--username", "alice", "--email", PERSON["email"], "--phone", PERSON["number"])
        user = ("users", "add", "--tenant", "default", *names, "--password-stdin", "--json")
        self.command(*user, given=PERSON["password"] + "\n", gives=("email", "number"))
        made = ("access-keys", "create", "--tenant", "default", "--user", "alice", "--grant", "*:*", "--json")
        key = json.loads(self.command(*made, gives=("key_secret",)))
        self.key_id = key["access_key_id"]
        gateway = self.command("gateway-keys", "create", "--tenant", "default", gives=("gateway_key",)).strip()
        self.gateway_key = gateway
        wanted = ("token.generate", "token.introspect", "token.revoke", "session.read:any", "session.revoke:any")
        given = [argument for name in wanted for argument in ("--permission", name)]
        self.operator = self.command(
            *("tokens", "mint", "--tenant", "default", "--subject", "gateway", *given), gives=("operator",)
        ).strip()
        secret = gateway.partition(".")[2]
        self.canaries.add(key_secret=key["secret_access_key"], gateway_key=secret, operator=self.operator)

    def sign_in(self, mark: str, password: str = PERSON["password"]) -> dict[str, Any]:
        """By name and password; the pair's tokens are canaries from now on."""
        body = {"login_type": "local", "username": "alice", "password": password}
        return self._keep(mark, self.call("POST", "/auth/login", body, gives=_pair(mark)).json())

    def refresh(self, mark: str, token: str) -> dict[str, Any]:
        """The next pair."""
        return self._keep(mark, self.call("POST", "/v1/token/refresh", bearer=token, gives=_pair(mark)).json())

    def _keep(self, mark: str, answer: Any) -> dict[str, Any]:
        data: dict[str, Any] = answer["data"]
        self.canaries.add(**{f"{mark}_{kind}": data[f"{kind}_token"] for kind in TOKENS})
        return data

    def open_session_token(self) -> str:
        """By the access key."""
        key = {"access_key_id": self.key_id, "secret_access_key": self.canaries.values["key_secret"]}
        answer = self.call("POST", "/session-token/create", key, gives=("session_token",))
        token = str(answer.json()["session_token"]["token"])
        self.canaries.add(session_token=token)
        return token

    def open_gateway_session(self) -> str:
        """By the gateway key."""
        headers = {"x-gateway-key": self.gateway_key}
        answer = self.call("POST", "/api/v1/sessions", BOB, headers=headers, gives=("gateway_token",))
        token = str(answer.json()["token"])
        self.canaries.add(gateway_token=token)
        return token


def _pair(mark: str) -> tuple[str, ...]:
    return tuple(f"{mark}_{kind}" for kind in TOKENS)


@pytest.mark.parametrize("arguments", [(), ("--dev",)], ids=["in production", "in development"])
def test_no_secret_stands_where_it_does_not_belong(
    start_service: Start, hook: Hook, code_hook: CodeHook, arguments: tuple[str, ...]
) -> None:
    service = start_service(*arguments, **settings(hook, code_hook))
    run = Run(service)
    run.prepare()
    hook.status = 500  # so that what is not delivered is spoken of
    live = use_rightly(run, code_hook)
    hook.status = 204
    use_wrongly(run)
    with_a_failing_store(run, live)
    run.call("POST", "/auth/logout", {}, bearer=live["access_token"])
    hook.wait_for_confirmed(f"{live['session_id']}.issued", f"{live['session_id']}.revoked")
    for path in ("/metrics", "/openapi.json", "/docs", "/readyz", "/.well-known/jwks.json"):
        run.call("GET", path)
    for command in (("users", "list", "--json"), ("access-keys", "list", "--json"), ("gateway-keys", "list", "--json")):
        run.command(*command, gives=("email", "number"))
    for words in (("tokens", "list"), ("config", "check"), ("keys", "list")):
        run.command(*words)
    assert service.stop() == 0
    check(run, hook)


def use_rightly(run: Run, code_hook: CodeHook) -> dict[str, Any]:
    """Every way in, and every use of what it gave. The pair of a session that goes on."""
    live = run.sign_in("first")
    live = run.refresh("second", live["refresh_token"])
    run.call("POST", "/auth/otp/request", {"phone_number": PERSON["number"]})
    wait_until(lambda: len(code_hook.codes) == 1)  # after a refusal
    assert code_hook.refused == 1
    run.canaries.add(code=code_hook.codes[0])
    login = {"login_type": "otp", "phone_number": PERSON["number"], "otp_code": code_hook.codes[0]}
    for _ in range(2):  # the second time it is a wrong one
        answer = run.call("POST", "/auth/login", login, gives=_pair("by_code"))
        if answer.status_code == 200:
            run.canaries.add(**{f"by_code_{kind}": answer.json()["data"][f"{kind}_token"] for kind in TOKENS})
    assert "by_code_access" in run.canaries.values
    wrong = {"grant_type": "password", "email": PERSON["email"], "password": PERSON["wrong_password"]}
    assert run.call("POST", "/v1/token", wrong).status_code == 401
    swapped = {"login_type": "local", "username": PERSON["password"], "password": PERSON["wrong_password"]}
    assert run.call("POST", "/auth/login", swapped).status_code == 401
    use_tokens(run, live["access_token"], run.open_session_token(), run.open_gateway_session())
    return live


def use_tokens(run: Run, access: str, session_token: str, gateway_token: str) -> None:
    """Questions about tokens."""
    for token in (access, session_token, gateway_token, run.operator):
        run.call("POST", "/v1/token/introspect", {"token": token}, bearer=run.operator)
        run.call("POST", "/api/v1/sessions/validate", {"token": token})
        body = {"session_token": token, "resource": "doc", "permission": "view"}
        run.call("POST", "/session-token/validate", body)
        run.call("GET", f"/api/v1/auth/session?accessToken={token}")
        run.call("GET", "/v1/authz", bearer=token)
        run.call("POST", "/api/v1/sessions/refresh", bearer=token, gives=("gateway_token", "second_access"))
        form = {"content-type": "application/x-www-form-urlencoded"}
        run.call("POST", "/oauth2/introspect", content=f"token={token}".encode(), headers=form, bearer=run.operator)
    secret = f"{run.key_id}:{run.canaries.values['key_secret']}".encode()
    basic = {"authorization": "Basic " + base64.b64encode(secret).decode()}
    run.call("POST", "/oauth2/introspect", content=b"token=x", headers=basic | form)
    run.call("GET", "/auth/sessions", bearer=run.operator)
    run.call("GET", "/v1/revocations", bearer=run.operator)


def use_wrongly(run: Run) -> None:
    """All of them in every place of every path, with every method."""
    paths = run.call("GET", "/openapi.json").json()["paths"]
    everything = " ".join(run.canaries.values.values())
    some = " ".join(value for value in run.canaries.values.values() if len(value) < 100)
    token = run.canaries.values["second_access"]
    secret = {
        "x-session-token": some,
        "x-gateway-key": some,
        "cookie": f"session={some}",
        "referer": f"http://x/?{some}",
    }
    bodies = [
        json.dumps(dict.fromkeys(FIELDS, everything)),
        json.dumps({name: [everything] for name in FIELDS}),
        json.dumps({some: some, "nested": {some: [some]}}),
        f'{{"password": "{some}"',
        f'{{"password": "{some}", "password": "{some}"}}',
        f'["{everything}"]',
        everything,
    ]
    for path in paths:
        place = path.replace("{", "").replace("}", "")
        for method in METHODS:
            headers = {"authorization": f"Bearer {some}", "x-tenant-id": some, "x-request-id": some} | secret
            run.call(method, f"{place}?{'&'.join(f'{name}={token}' for name in FIELDS[:6])}", headers=headers)
        for method in paths[path]:
            for body in bodies if method in ("post", "delete") else ():
                for kind in ("application/json", "application/x-www-form-urlencoded"):
                    run.call(method, place, content=body.encode(), headers={"content-type": kind, **secret})
    for path in ("/auth/sessions/{}/revoke", "/api/v1/sessions/{}", "/api/v1/sessions/user/{}", "/v1/authz/{}", "/{}"):
        run.call("POST", path.format(token), {}, bearer=run.operator)
        run.call("DELETE", path.format(token), bearer=run.operator)


def with_a_failing_store(run: Run, live: dict[str, Any]) -> None:
    """What is right, while one table after another is gone and while nothing can be written."""
    data_dir = run.service.data_dir
    failed = 0
    for table in (*TABLES, None):
        with ExitStack() as broken:
            broken.enter_context(write_locked(data_dir) if table is None else without_table(data_dir, table))
            before = len(run.recorder.answers)
            use_once_more(run, live)
            failed += sum(status == 503 for _, status, _, _ in run.recorder.answers[before:])
            assert all(status != 500 for _, status, _, _ in run.recorder.answers[before:]), table
    assert failed > 20


def use_once_more(run: Run, live: dict[str, Any]) -> None:
    """Whatever of it succeeds gives tokens that nobody keeps."""
    values = run.canaries.values
    calls: list[tuple[str, dict[str, str]]] = [
        ("/auth/login", {"login_type": "local", "username": "alice", "password": PERSON["password"]}),
        ("/v1/token", {"grant_type": "password", "email": PERSON["email"], "password": PERSON["password"]}),
        ("/auth/otp/request", {"phone_number": PERSON["number"]}),
        ("/auth/login", {"login_type": "otp", "phone_number": PERSON["number"], "otp_code": values["code"]}),
        ("/session-token/create", {"access_key_id": run.key_id, "secret_access_key": values["key_secret"]}),
        ("/v1/token/refresh", {"refresh_token": values["by_code_refresh"]}),
        ("/session-token/validate", {"session_token": values["session_token"], "resource": "a", "permission": "b"}),
        ("/api/v1/sessions/validate", {"token": values["gateway_token"]}),
    ]
    for path, body in calls:
        run.call("POST", path, body)
    run.call("POST", "/v1/token/introspect", {"token": live["access_token"]}, bearer=run.operator)
    run.call("GET", "/auth/sessions", bearer=live["access_token"])
    headers = {"x-gateway-key": run.gateway_key}
    run.call("POST", "/api/v1/sessions", BOB, headers=headers)


def check(run: Run, hook: Hook) -> None:
    """Everything that was said and written."""
    find = run.canaries.find
    assert len(run.canaries.values) == 23
    run.recorder.check(run.canaries)
    for command, printed, gives in run.printed:
        assert find(printed.encode(), but=gives) == set(), command
    log = run.service.log_text
    assert all(event in log for event in ("event_delivery_failed", "code_not_sent", "store_unavailable", "debug"))
    assert find(log.encode()) == set()
    assert find(run.service.output_text.encode()) == set()
    for post in hook.posts:
        assert find(post.told.body + post.signature.encode()) == set()
    kept = {"email", "number"}  # of users, in the database
    files = [path for path in run.service.data_dir.rglob("*") if path.is_file()]
    assert {"tessera.db", "audit.jsonl"} <= {path.name for path in files}
    for path in files:
        assert find(path.read_bytes()) <= (kept if path.name.startswith("tessera.db") else set()), path.name


SECRET_OF_A_URL = "canary-of-the-database"
NOBODY = f"postgresql://tessera:{SECRET_OF_A_URL}@127.0.0.1:1/tessera"


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("db", "check"), ("config", "check")], ids=" ".join)
@pytest.mark.parametrize("url", [NOBODY, NOBODY.replace(":1/", ":none/"), f"none://{SECRET_OF_A_URL}"])
def test_the_password_of_a_database_that_is_not_there_is_not_printed(
    tmp_path: Path, command: tuple[str, ...], url: str
) -> None:
    done = run(*command, "--data-dir", str(tmp_path / "data"), settings={"DATABASE_URL": url, "LOG_LEVEL": "debug"})
    assert done.returncode != 0 or command[0] == "config"
    assert done.stdout + done.stderr != ""
    assert SECRET_OF_A_URL not in done.stdout + done.stderr
