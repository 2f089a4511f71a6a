# SPDX-License-Identifier: Apache-2.0
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tessera

ENTRIES = st.dictionaries(st.text(min_size=1, max_size=40), st.integers(1, 1000), max_size=30)


@pytest.fixture
def revoked() -> tessera.RevocationSet:
    return tessera.RevocationSet()


def test_what_is_revoked_is_revoked_and_nothing_else(revoked: tessera.RevocationSet) -> None:
    revoked.revoke_jti("a", expires_at=100)
    revoked.revoke_session("b", expires_at=100)
    assert (revoked.is_jti_revoked("a"), revoked.is_session_revoked("b")) == (True, True)
    assert (revoked.is_jti_revoked("b"), revoked.is_session_revoked("a")) == (False, False)
    assert len(revoked) == 2


def test_a_cut_off_kills_what_was_created_at_or_before_it(revoked: tessera.RevocationSet) -> None:
    revoked.cut_off("tenant-a", "alice", cutoff_ms=1000, expires_at=100)
    assert revoked.is_cut_off("tenant-a", "alice", created_ms=999)
    assert revoked.is_cut_off("tenant-a", "alice", created_ms=1000)
    assert not revoked.is_cut_off("tenant-a", "alice", created_ms=1001)
    assert not revoked.is_cut_off("tenant-b", "alice", created_ms=1)
    assert not revoked.is_cut_off("tenant-a", "bob", created_ms=1)


def test_tenant_and_subject_do_not_run_together(revoked: tessera.RevocationSet) -> None:
    revoked.cut_off("ab", "c", cutoff_ms=1000, expires_at=100)
    assert not revoked.is_cut_off("a", "bc", created_ms=1)


def test_an_entry_is_purged_at_its_expiry_and_not_before(revoked: tessera.RevocationSet) -> None:
    revoked.revoke_jti("a", expires_at=10_000)
    assert revoked.purge(now=9_999) == 0
    assert revoked.is_jti_revoked("a")
    assert revoked.purge(now=10_000_000) == 1
    assert not revoked.is_jti_revoked("a")
    assert len(revoked) == 0


def test_adding_again_keeps_the_later_expiry_and_the_later_cut_off(revoked: tessera.RevocationSet) -> None:
    revoked.revoke_jti("a", expires_at=10_000)
    revoked.revoke_jti("a", expires_at=1)
    revoked.purge(now=9_999)
    assert revoked.is_jti_revoked("a")
    revoked.cut_off("t", "s", cutoff_ms=2000, expires_at=10_000)
    revoked.cut_off("t", "s", cutoff_ms=1000, expires_at=20_000)
    assert revoked.is_cut_off("t", "s", created_ms=2000)


@settings(deadline=None)  # the machine may be busy; nothing here is timed
@given(
    jtis=ENTRIES,
    sessions=ENTRIES,
    subjects=st.dictionaries(st.tuples(st.text(max_size=9), st.text(max_size=9)), st.integers(0, 999)),
)
def test_it_answers_like_a_dictionary(
    jtis: dict[str, int], sessions: dict[str, int], subjects: dict[tuple[str, str], int]
) -> None:
    revoked = tessera.RevocationSet()
    for jti, expires_at in jtis.items():
        revoked.revoke_jti(jti, expires_at=expires_at)
    for session, expires_at in sessions.items():
        revoked.revoke_session(session, expires_at=expires_at)
    for (tenant, subject), cutoff_ms in subjects.items():
        revoked.cut_off(tenant, subject, cutoff_ms=cutoff_ms, expires_at=1)
    assert len(revoked) == len(jtis) + len(sessions) + len(subjects)
    assert all(revoked.is_jti_revoked(name) == (name in jtis) for name in [*jtis, *sessions])
    assert all(revoked.is_session_revoked(name) == (name in sessions) for name in [*jtis, *sessions])
    for (tenant, subject), cutoff_ms in subjects.items():
        assert revoked.is_cut_off(tenant, subject, created_ms=cutoff_ms)
        assert not revoked.is_cut_off(tenant, subject, created_ms=cutoff_ms + 1)


def test_a_saved_set_comes_back_whole(revoked: tessera.RevocationSet, tmp_path: Path) -> None:
    revoked.revoke_jti("a", expires_at=1000)
    revoked.revoke_session("b", expires_at=1000)
    revoked.cut_off("t", "s", cutoff_ms=5, expires_at=1000)
    path = tmp_path / "revoked"
    revoked.save(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = tessera.RevocationSet()
    again.revoke_jti("gone", expires_at=1000)
    again.load(str(path))
    assert (again.is_jti_revoked("a"), again.is_session_revoked("b"), again.is_cut_off("t", "s", created_ms=5)) == (
        True,
        True,
        True,
    )
    assert (len(again), again.is_jti_revoked("gone")) == (3, False)


def test_a_damaged_file_changes_nothing(revoked: tessera.RevocationSet, tmp_path: Path) -> None:
    revoked.revoke_jti("a", expires_at=1000)
    path = tmp_path / "revoked"
    revoked.save(str(path))
    data = path.read_bytes()
    kept = tessera.RevocationSet()
    kept.revoke_jti("kept", expires_at=1000)
    for broken in (b"", data[:-1], data + b"\x00", data[:20] + bytes([data[20] ^ 1]) + data[21:]):
        path.write_bytes(broken)
        with pytest.raises(tessera.StateError) as caught:
            kept.load(str(path))
        assert caught.value.code == "snapshot_malformed"
    assert (kept.is_jti_revoked("kept"), len(kept)) == (True, 1)


def test_files_that_cannot_be_read_or_written_say_so(revoked: tessera.RevocationSet, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "no" / "where")
    for call in (revoked.save, revoked.load):
        with pytest.raises(tessera.StateError) as caught:
            call(nowhere)
        assert caught.value.code == "io_failed"


@pytest.mark.parametrize("value", [b"a", None, 1, bytearray(b"a")])
def test_ids_are_str(revoked: tessera.RevocationSet, value: Any) -> None:
    for call in (revoked.is_jti_revoked, revoked.is_session_revoked, lambda it: revoked.revoke_jti(it, expires_at=1)):
        with pytest.raises(TypeError, match="must be str"):
            call(value)


def test_an_id_that_is_no_text_is_refused(revoked: tessera.RevocationSet) -> None:
    with pytest.raises(UnicodeEncodeError):
        revoked.revoke_jti("\ud800", expires_at=1)
    assert len(revoked) == 0


@pytest.mark.parametrize("value", [1.5, "1", None, True])
def test_times_are_whole_numbers(revoked: tessera.RevocationSet, value: Any) -> None:
    with pytest.raises(TypeError):
        revoked.revoke_jti("a", expires_at=value)
    with pytest.raises(TypeError):
        revoked.cut_off("t", "s", cutoff_ms=value, expires_at=1)
    with pytest.raises(OverflowError):
        revoked.revoke_jti("a", expires_at=2**63)


def test_memory_grows_with_entries(revoked: tessera.RevocationSet) -> None:
    before = revoked.bytes_used
    for number in range(20_000):
        revoked.revoke_jti(str(number), expires_at=1000)
    assert len(revoked) == 20_000
    assert before < revoked.bytes_used < 20_000 * 200
