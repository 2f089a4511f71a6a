# SPDX-License-Identifier: Apache-2.0
import pytest

from tessera_service.http.conditional import format_http_date, is_unchanged

ETAG = '"abc"'
CHANGED = 1_700_000_000


@pytest.mark.parametrize(
    ("tags", "unchanged"),
    [
        ([b'"abc"'], True),
        ([b'W/"abc"'], True),
        ([b'"x", "abc" , W/"y"'], True),
        ([b'"x"', b'"abc"'], True),
        ([b"*"], True),
        ([b'"ab"'], False),
        ([b"abc"], False),
        ([b""], False),
        ([b'"x,", "y"'], False),
    ],
)
def test_if_none_match_compares_weakly_over_its_list(tags: list[bytes], unchanged: bool) -> None:
    assert is_unchanged(if_none_match=tags, if_modified_since=None, etag=ETAG, last_modified=CHANGED) is unchanged


@pytest.mark.parametrize(("since", "unchanged"), [(CHANGED - 1, False), (CHANGED, True), (CHANGED + 1, True)])
def test_if_modified_since_counts_from_the_change_on(since: int, unchanged: bool) -> None:
    date = format_http_date(since).encode()
    assert is_unchanged(if_none_match=[], if_modified_since=date, etag=ETAG, last_modified=CHANGED) is unchanged


@pytest.mark.parametrize("date", [b"", b"yesterday", b"\xff", b"Tue, 99 Nov 2023 22:13:20 GMT", b"9" * 5000])
def test_a_date_that_cannot_be_read_is_ignored(date: bytes) -> None:
    assert not is_unchanged(if_none_match=[], if_modified_since=date, etag=ETAG, last_modified=CHANGED)


def test_if_none_match_goes_before_if_modified_since() -> None:
    date = format_http_date(CHANGED).encode()
    assert not is_unchanged(if_none_match=[b'"x"'], if_modified_since=date, etag=ETAG, last_modified=CHANGED)
