# SPDX-License-Identifier: Apache-2.0
"""The whole way of a user through a real service: signing in, use, renewal, signing out, the refused replay, and what
others are told of it."""

import hashlib
import hmac
import json
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from e2e.conftest import Start
from e2e.events import Told, read_audit
from e2e.everywhere import DEAD, Everywhere, Seen
from e2e.hook import Hook, wait_until
from e2e.people import PASSWORD, Pair, Person, add_person, read_pair
from e2e.process import Client, ServiceProcess

pytestmark = pytest.mark.slow

SECRET = "0123456789abcdef0123456789abcdef"
ISSUED, REVOKED, SYNC = "auth.token.issued.v1", "auth.token.revoked.v1", "user.sync.triggered.v1"
NUMBER, UNKNOWN_NUMBER = "+84901234567", "+84907654321"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
FROM = {"user-agent": FIREFOX, "x-forwarded-for": "203.0.113.77", "x-location": "Ho Chi Minh, VN"}
WORKERS = pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["one process", "two workers"])
HEARD_SECONDS = 2  # a second is promised; the rest is for the machine
OFTEN = 8  # so that of two workers each is met


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as running:
        yield running


def settings(hook: Hook) -> dict[str, str]:
    """Every request comes from a proxy of ours, every event goes to the hook."""
    return {
        "TRUSTED_PROXIES": "127.0.0.1",
        "EVENT_WEBHOOK_URL": hook.url,
        "EVENT_WEBHOOK_SECRET": SECRET,
        "OTP_PROVIDER": "file",
        "RATE_LIMIT": "off",
    }


def check_signature(hook: Hook) -> None:
    """As the documentation tells receivers to."""
    for post in hook.posts:
        at, signature = (part.partition("=")[2] for part in post.signature.split(",", 1))
        expected = hmac.new(SECRET.encode(), at.encode() + b"." + post.told.body, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(signature, expected)
        assert abs(time.time() - int(at)) < 300


def told_of(service: ServiceProcess, hook: Hook, *expected: str) -> list[Told]:
    """The events of a run, which came to the audit log and to the hook alike and are those with the expected ids."""
    hook.wait_for_confirmed(*expected)
    wait_until(lambda: {event.event_id for event in read_audit(service.data_dir)} >= set(expected))
    audit = read_audit(service.data_dir)
    assert sorted(event.event_id for event in audit) == sorted(expected)
    assert sorted(event.body for event in audit) == sorted(post.told.body for post in hook.posts)
    check_signature(hook)
    for told in (audit, hook.confirmed):
        for about in {_about(name) for name in expected}:
            came = [event.event_id for event in told if _about(event.event_id) == about]
            assert came == [name for name in expected if _about(name) == about]
    return sorted(audit, key=lambda event: expected.index(event.event_id))


def _about(event_id: str) -> str:
    """The session, or the user where there is none: what of them happened first comes first."""
    return event_id.rpartition(".")[0]


def check_dead(everywhere: Everywhere, *pairs: Pair) -> None:
    """No surface does anything for any of these tokens."""
    for pair in pairs:
        for _ in range(OFTEN // 2):
            assert set(everywhere.see(pair.access).values()) == {DEAD}
        assert everywhere.who_takes(pair) == {}


def statuses(person: Person, bearer: str) -> dict[str, str]:
    answer = person.get("/auth/sessions", bearer=bearer, user_id=person.user_id)
    assert answer.status_code == 200, answer.text
    return {session["session_id"]: session["status"] for session in answer.json()["data"]}


@WORKERS
def test_from_signing_in_to_the_refused_replay(start_service: Start, hook: Hook, workers: tuple[str, ...]) -> None:
    service = start_service(*workers, **settings(hook))
    assert service.command("tenants", "add", "tenant-a").returncode == 0
    user = ("--email", "alice@example.com", "--role", "teacher", "--permission", "report.read")
    alice = add_person(service, "alice", *user, tenant="tenant-a", headers=FROM)
    everywhere = Everywhere(service, tenant="tenant-a")

    first = alice.sign_in()
    for _ in range(OFTEN):
        assert set(everywhere.see(first.access).values()) == {Seen(alice.user_id, first.session_id)}
    assert everywhere.permissions(first.access) == {("report.read",)}
    assert everywhere.roles(first.access) == {"teacher"}
    check_listed(alice, first)

    second = read_pair(alice.post("/v1/token/refresh", {"refresh_token": first.refresh}))
    assert second.session_id == first.session_id
    assert second != first
    assert set(everywhere.see(second.access).values()) == {Seen(alice.user_id, first.session_id)}

    answer = alice.post("/auth/logout", {"reason": "device_lost"}, bearer=second.access)
    assert (answer.status_code, answer.json()["data"]) == (200, {"success": True})
    if workers:
        time.sleep(HEARD_SECONDS)
    check_dead(everywhere, first, second)
    assert statuses(alice, everywhere.bearer) == {first.session_id: "revoked"}

    names = (f"{alice.user_id}.1", f"{first.session_id}.issued", f"{first.session_id}.revoked")
    added, issued, revoked = told_of(service, hook, *names)
    check_events(alice, first.session_id, added, issued, revoked)
    everything = b"".join(event.body for event in (added, issued, revoked))
    for secret in (*first[:2], *second[:2], PASSWORD, "alice@example.com"):
        assert all(part.encode() not in everything for part in secret.split("."))


def check_listed(person: Person, pair: Pair) -> None:
    """One's own sessions, without what only who may read all sees."""
    answer = person.get("/auth/sessions", bearer=pair.access)
    (listed,) = answer.json()["data"]
    expected = {"auth_method": "local", "ip_address": "203.0.113.0/24", "user_agent": "Firefox", "location": None}
    assert {name: listed[name] for name in expected} == expected
    assert (listed["device_type"], listed["status"]) == ("web", "active")
    assert answer.json()["meta"]["pagination"] == {"total": 1, "limit": 20, "offset": 0}


def check_events(person: Person, session_id: str, added: Told, issued: Told, revoked: Told) -> None:
    """The whole of them but their times."""
    whose: dict[str, Any] = {"user_id": person.user_id, "tenant_id": person.tenant}
    where = {"ip_address": "203.0.113.77", "device_type": "web"}
    assert (added.type, added.subject, added.data) == (SYNC, None, whose | {"change": "added"})
    assert (issued.type, issued.subject) == (ISSUED, session_id)
    assert issued.data == whose | where | {
        "session_id": session_id,
        "auth_method": "local",
        "user_agent": FIREFOX,
        "location": "Ho Chi Minh, VN",
    }
    assert (revoked.type, revoked.subject) == (REVOKED, session_id)
    at = revoked.data["revoked_at"]
    assert revoked.data == whose | where | {
        "session_id": session_id,
        "revoked_reason": "device_lost",
        "revoked_by": person.user_id,
        "revoked_at": at,
    }
    assert at == json.loads(revoked.body)["time"]


def codes(service: ServiceProcess) -> list[dict[str, str]]:
    """What the provider for development wrote."""
    path = service.data_dir / "otp.jsonl"
    if not path.exists():
        return []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return [json.loads(line) for line in path.read_text().splitlines()]


@WORKERS
def test_by_a_code_and_out_by_the_refresh_token(start_service: Start, hook: Hook, workers: tuple[str, ...]) -> None:
    service = start_service(*workers, **settings(hook))
    alice = add_person(service, "alice", "--phone", NUMBER, headers=FROM)
    everywhere = Everywhere(service)
    asked = [alice.post("/auth/otp/request", {"phone_number": number}) for number in (UNKNOWN_NUMBER, NUMBER)]
    assert [(answer.status_code, answer.json()["data"]) for answer in asked] == [(202, {"success": True})] * 2
    wait_until(lambda: len(codes(service)) == 1)
    (sent,) = codes(service)
    assert sent["phone_number"] == NUMBER

    login = {"login_type": "otp", **sent}
    other = login | {"phone_number": UNKNOWN_NUMBER}
    assert alice.post("/auth/login", other).json()["error"]["code"] == "auth.otp.invalid"
    pair = read_pair(alice.post("/auth/login", login))
    assert set(everywhere.see(pair.access).values()) == {Seen(alice.user_id, pair.session_id)}
    again = alice.post("/auth/login", login)
    assert (again.status_code, again.json()["error"]["code"]) == (400, "auth.otp.invalid")

    assert alice.post("/auth/logout", bearer=pair.refresh).status_code == 200
    if workers:
        time.sleep(HEARD_SECONDS)
    check_dead(everywhere, pair)
    names = (f"{alice.user_id}.1", f"{pair.session_id}.issued", f"{pair.session_id}.revoked")
    _, issued, revoked = told_of(service, hook, *names)
    assert issued.data["auth_method"] == "otp"
    assert revoked.data["revoked_reason"] == "user_logout"
    assert codes(service) == [sent]
    everything = issued.body + revoked.body
    assert NUMBER.encode() not in everything
    assert sent["otp_code"] not in [str(value) for value in issued.data.values()]


def test_what_an_operator_does_with_a_user_reaches_every_worker(start_service: Start) -> None:
    service = start_service("--workers", "2", RATE_LIMIT="off")
    alice = add_person(service, "alice", "--role", "teacher", "--permission", "report.read")
    everywhere = Everywhere(service)
    pairs = [alice.sign_in()]
    assert everywhere.roles(pairs[-1].access) == {"teacher"}

    alice.command("set", "--role", "head", "--permission", "report.write", "--permission", "user.read")
    time.sleep(HEARD_SECONDS)
    for _ in range(OFTEN):
        assert everywhere.roles(pairs[-1].access) == {"head"}
        assert everywhere.permissions(pairs[-1].access) == {("report.write", "user.read")}

    for ends, resumes in (("lock", "unlock"), ("disable", "enable")):
        alice.command(ends)
        time.sleep(HEARD_SECONDS)
        check_dead(everywhere, pairs[-1])
        assert [alice.try_password(PASSWORD).status_code for _ in range(2)] == [401, 401]
        assert statuses(alice, everywhere.bearer)[pairs[-1].session_id] == "locked"
        alice.command(resumes)
        pairs.append(alice.sign_in())
        assert set(everywhere.see(pairs[-1].access).values()) == {Seen(alice.user_id, pairs[-1].session_id)}

    alice.command("delete")
    time.sleep(HEARD_SECONDS)
    check_dead(everywhere, *pairs)
    assert alice.try_password(PASSWORD).status_code == 401


def rows(service: ServiceProcess) -> dict[str, bytes]:
    """Everything that stands in the rows of every table."""
    with closing(sqlite3.connect(f"file:{service.data_dir / 'tessera.db'}?mode=ro", uri=True)) as database:
        database.text_factory = bytes
        names = [name.decode() for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: list(database.execute(f'SELECT * FROM "{name}"')) for name in names}
    assert set(found) > {"sessions", "outbox", "users", "hits"}
    return {name: b"\n".join(_bytes(value) for row in rows for value in row) for name, rows in found.items()}


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def where(found: dict[str, bytes], text: str) -> set[str]:
    """The tables in which it stands."""
    return {name for name, row in found.items() if text.encode() in row}


def test_of_a_user_who_is_deleted_ids_are_left_and_nothing_else(start_service: Start, hook: Hook) -> None:
    service = start_service(**settings(hook), JWT_REFRESH_THRESHOLD="24h")
    user = ("--email", "canary-mail@example.com", "--phone", NUMBER)
    alice = add_person(service, "canary-name", *user, headers=FROM)
    operator = Client(service, service.mint("token.generate"))
    kept = operator.post("/v1/token", {"sub": "bob", "session_metadata": {"user_agent": "kept-agent"}}).json()["data"]

    pairs = [alice.sign_in()]
    pairs.append(read_pair(alice.post("/v1/token/refresh", {"refresh_token": pairs[0].refresh})))
    gateway = {"user_id": alice.user_id, "username": "canary-name", "role_name": "teacher", "permissions": []}
    slid = operator.post("/api/v1/sessions", gateway).json()
    assert operator.post("/api/v1/sessions/validate", {"token": slid["token"]}).json()["should_refresh"] is True
    alice.post("/auth/otp/request", {"phone_number": NUMBER})
    assert alice.try_password("canary-of-a-wrong-one").status_code == 401

    in_plain = ("canary-name", "canary-mail", NUMBER, "203.0.113.77", FIREFOX, "Ho Chi Minh")
    found = rows(service)
    assert [where(found, text) for text in in_plain] == [
        *({"sessions", "users"}, {"users"}, {"users"}),
        *([{"sessions", "outbox"}] * 3),
    ]
    alice.command("delete")
    found = rows(service)
    assert [where(found, text) for text in (*in_plain, "canary", "Firefox", PASSWORD)] == [set()] * 9
    assert where(found, "kept-agent") == {"sessions", "outbox"}

    sessions = (pairs[0].session_id, slid["session_id"])
    told = [f"{session}.{what}" for session in sessions for what in ("issued", "revoked")]
    told += [f"{alice.user_id}.{version}" for version in (1, 2, 3)]
    for name in (*told, f"{kept['session_id']}.issued"):
        assert name.encode() in found["outbox"].splitlines()
    told_of(service, hook, *told, f"{kept['session_id']}.issued")
