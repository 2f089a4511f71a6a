# SPDX-License-Identifier: Apache-2.0
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_service.engine.phones import MAX_LENGTH, parse_phone


@pytest.mark.parametrize(
    "written",
    [
        "+84912345678",
        "0084912345678",
        "+84 91 234 56 78",
        "+84-91-234-56-78",
        "+84 (0) 91 234 56 78",
        "+84.912.345.678",
        "00 84 912/345678",
        "  +84912345678 ",
    ],
)
def test_one_number_is_one_number_however_it_is_spelled(written: str) -> None:
    assert parse_phone(written) == "+84912345678"


def test_a_number_is_kept_as_e_164_with_the_zero_where_a_country_has_one() -> None:
    assert parse_phone("+39 06 698 12345") == "+390669812345"
    assert parse_phone("+1 (202) 555-0123") == "+12025550123"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "+",
        "00",
        "0912345678",  # national: of which country?
        "84912345678",
        "+84",
        "+8491234",
        "+849123456780000",
        "+999123456789",
        "+8400912345678",
        "++84912345678",
        "+84912345678\n",
        "+84912345678\0",
        "+84912345678x5",
        "+84912345678;ext=5",
        "+84912345678,5",
        "+84912345678#",
        "tel:+84912345678",
        "Call +84912345678",
        "+84912345678 or +84912345679",
        "+1 800 FLOWERS",
        "+８４９１２３４５６７８",  # noqa: RUF001 (digits of other scripts)
        "+٨٤٩١٢٣٤٥٦٧٨",
        "＋84912345678",  # noqa: RUF001
        "+84\u200b912345678",
        "+84\u00a0912345678",
        "+84912345678" + " " * MAX_LENGTH,
        "+" + "8" * 1_000_000,
    ],
)
def test_what_cannot_be_called_from_anywhere_is_no_number(written: str) -> None:
    assert parse_phone(written) is None


def test_the_length_as_written_has_a_limit() -> None:
    written = "+84912345678".ljust(MAX_LENGTH, "-")
    assert parse_phone(written) == "+84912345678"
    assert parse_phone(written + "-") is None


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_a_number_of_every_country_is_one_number_in_three_spellings(region: str) -> None:
    number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if number is None:
        number = phonenumbers.example_number(region)
    assert number is not None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    international = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    assert [parse_phone(written) for written in (e164, international, f"00{e164[1:]}")] == [e164] * 3


@given(st.text(alphabet="+0123456789 ()./-x,;", max_size=MAX_LENGTH + 2))
def test_what_comes_out_is_e_164_and_comes_out_of_itself(written: str) -> None:
    number = parse_phone(written)
    assert number is None or (number[0] == "+" and number[1:].isdecimal() and len(number) <= 16)
    assert number is None or parse_phone(number) == number


@given(st.from_regex(r"\A\+(1|39|49|54|52|84)[0-9]{6,12}\Z"))
def test_no_number_is_two_numbers(written: str) -> None:
    number = parse_phone(written)
    assert number is None or parse_phone(number) == number
