# SPDX-License-Identifier: Apache-2.0
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tessera

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=5) | st.dictionaries(st.text(), below, max_size=5),
    max_leaves=20,
)


def code_of(data: str | bytes, **limits: int) -> str | None:
    try:
        tessera.check_json(data, **limits)
    except tessera.JsonError as error:
        return error.code
    return None


@settings(deadline=None)  # the machine may be busy; nothing here is timed
@given(TREES)
def test_all_that_python_writes_is_accepted(tree: Any) -> None:
    text = json.dumps(tree)
    assert code_of(text) is None
    assert code_of(json.dumps(tree, ensure_ascii=False).encode()) is None


@settings(deadline=None)  # the machine may be busy; nothing here is timed
@given(st.binary(max_size=64))
def test_what_is_accepted_is_what_python_reads(data: bytes) -> None:
    if code_of(data) is None:
        json.loads(data.decode("utf-8"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "json_malformed"),
        (" ", "json_malformed"),
        ("NaN", "json_malformed"),
        ("[1,]", "json_malformed"),
        ("{}{}", "json_malformed"),
        (b"\xef\xbb\xbf{}", "json_malformed"),
        ('{"a":1,"a":2}', "json_duplicate_member"),
        ('{"a":1,"\\u0061":2}', "json_duplicate_member"),
        ('"\\ud800"', "json_invalid_string"),
        (b'"\xff"', "json_invalid_string"),
        ('"\n"', "json_invalid_string"),
        ("[" * 33 + "]" * 33, "json_too_deep"),
    ],
)
def test_each_fault_has_its_code(text: str | bytes, code: str) -> None:
    assert code_of(text) == code


def test_a_json_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="JSON"):
        tessera.check_json("{")


def test_a_str_with_a_lone_surrogate_is_refused_and_does_not_crash() -> None:
    assert code_of('"\ud800"') is not None


def test_the_limits_hold_at_equality() -> None:
    assert code_of("[" * 32 + "]" * 32) is None
    assert code_of("[[]]", max_depth=2) is None
    assert code_of("[[]]", max_depth=1) == "json_too_deep"
    assert code_of("[1]", max_bytes=3) is None
    assert code_of("[1]", max_bytes=2) == "json_too_large"
    assert code_of("1" * 65536) is None
    assert code_of("1" * 65537) == "json_too_large"


@pytest.mark.parametrize("data", [bytearray(b"{}"), memoryview(b"{}"), None, 1, {}])
def test_only_str_and_bytes_are_read(data: Any) -> None:
    with pytest.raises(TypeError, match="data must be str or bytes"):
        tessera.check_json(data)


def test_a_limit_is_a_whole_number_that_is_not_negative() -> None:
    wrong: Any = 1.5
    with pytest.raises(TypeError):
        tessera.check_json("1", max_depth=wrong)
    with pytest.raises(ValueError, match="at least 0"):
        tessera.check_json("1", max_bytes=-1)
    with pytest.raises(OverflowError):
        tessera.check_json("1", max_bytes=2**64)


def test_the_json_test_suite_is_answered_as_marked(vectors: Path) -> None:
    folder = vectors / "JSONTestSuite"
    files = [Path(root) / name for root, _, names in os.walk(folder) for name in names if name.endswith(".json")]
    wanted = {path.name: path.read_bytes() for path in files if path.name[:2] in {"y_", "n_", "i_"}}
    results = {name: code_of(data, max_bytes=10**7) for name, data in wanted.items()}
    accepted = [name for name, code in results.items() if name.startswith("y_") and code is None]
    duplicates = [name for name, code in results.items() if name.startswith("y_") and code == "json_duplicate_member"]
    assert (len(accepted), len(duplicates)) == (93, 2)
    assert [name for name, code in results.items() if name.startswith("n_") and code is None] == []
    assert len([name for name in results if name.startswith("n_")]) == 188
