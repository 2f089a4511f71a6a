# SPDX-License-Identifier: Apache-2.0
"""`kill -9` of a real service between the commit of a change and the delivery of its event: none is lost, and one that
comes twice comes with the same id and the same bytes. `make faults` does it a hundred times."""

import os
import signal
from collections.abc import Iterator, Sequence

import pytest

from e2e.conftest import Start
from e2e.events import Told, read_audit
from e2e.hook import Hook, wait_until
from e2e.process import ALL, Client
from figures import Tell

pytestmark = pytest.mark.slow

KILLS = 100 if os.environ.get("TESSERA_FAULTS") == "1" else 5
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as running:
        yield running


def test_a_kill_between_commit_and_delivery_loses_no_event_and_renames_none(
    start_service: Start, hook: Hook, tell: Tell
) -> None:
    service = start_service(EVENT_WEBHOOK_URL=hook.url, EVENT_WEBHOOK_SECRET=SECRET, WEBHOOK_TIMEOUT="200ms")
    client = Client(service, service.mint(*ALL))
    expected: list[str] = []
    for number in range(KILLS):
        hook.hold()
        session_id = client.issue(f"user-{number}")["session_id"]
        assert client.revoke(session_id=session_id).status_code == 204
        made = [f"{session_id}.issued", f"{session_id}.revoked"]
        if number % 2:  # else it is killed before the relay has looked, or while it does
            hook.wait_for_seen(made[0])
        service.send(signal.SIGKILL)
        assert service.wait() == -signal.SIGKILL
        assert not hook.has_confirmed(made[0])
        expected += made
        hook.let_go()
        service.start()
        hook.wait_for_confirmed(*expected)
    # The audit log's relay may have been killed with a lease, which the next one waits for.
    wait_until(lambda: {told.event_id for told in read_audit(service.data_dir)} >= set(expected))
    assert service.stop() == 0

    posted = [post.told for post in hook.posts]
    audited = read_audit(service.data_dir)
    for told in (posted, hook.confirmed, audited):
        assert {event.event_id for event in told} == set(expected)
        _check_repetitions(told)
    _check_order(hook.confirmed)
    _check_order(audited)
    tell(
        f"{KILLS} kills, {len(expected)} events: webhook {len(posted)} posts ({len(posted) - len(expected)}"
        f" repetitions), audit log {len(audited)} lines ({len(audited) - len(expected)} repetitions); 0 lost, 0 renamed"
    )


def _check_repetitions(told: Sequence[Told]) -> None:
    """One id for each event, and one text for each id."""
    texts = {event.event_id: event.body for event in told}
    assert all(texts[event.event_id] == event.body for event in told)
    facts = {(event.subject, event.type) for event in told}
    assert len(facts) == len(texts)


def _check_order(told: Sequence[Told]) -> None:
    """Of each session the first word of its end comes after the first of its beginning."""
    first: dict[str, int] = {}
    for place, event in enumerate(told):
        first.setdefault(event.event_id, place)
    for event in told:
        assert first[f"{event.subject}.issued"] < first[f"{event.subject}.revoked"]
