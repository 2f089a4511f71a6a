# SPDX-License-Identifier: Apache-2.0
import pytest

from tessera_service.engine.key_vault import KeyVault
from tessera_service.engine.master_keys import MasterKeys, hkdf_sha256
from tessera_service.errors import StartupError
from tessera_service.models import SigningKey

OLD, NEW = bytes(32), bytes(range(32))

# RFC 5869, appendix A.1 to A.3.
RFC_5869 = [
    (
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        42,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        82,
        (
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
            "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
        ),
    ),
    (
        "0b" * 22,
        "",
        "",
        42,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]


@pytest.mark.parametrize(("key", "salt", "info", "length", "expected"), RFC_5869)
def test_hkdf_gives_what_rfc_5869_says(key: str, salt: str, info: str, length: int, expected: str) -> None:
    made = hkdf_sha256(bytes.fromhex(key), info=bytes.fromhex(info), length=length, salt=bytes.fromhex(salt))
    assert made.hex() == expected


def test_each_purpose_has_its_own_key() -> None:
    keys = MasterKeys(current=NEW)
    assert keys.derive("pepper") != keys.derive("code key")
    assert keys.derive("pepper") == MasterKeys(current=NEW).derive("pepper")


def test_an_older_key_still_derives_but_is_not_current() -> None:
    old, both = MasterKeys(current=OLD), MasterKeys(current=NEW, older=[OLD])
    assert both.current_id == MasterKeys(current=NEW).current_id
    assert both.derive("pepper", master_key_id=old.current_id) == old.derive("pepper")


def test_a_key_that_is_not_loaded_is_named_with_what_to_do() -> None:
    with pytest.raises(StartupError, match=f"{MasterKeys(current=OLD).current_id}.*TESSERA_MASTER_KEY"):
        MasterKeys(current=NEW).derive("pepper", master_key_id=MasterKeys(current=OLD).current_id)


@pytest.mark.parametrize("size", [0, 16, 31])
def test_a_short_master_key_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        MasterKeys(current=bytes(size))


def test_neither_repr_nor_id_shows_the_key() -> None:
    keys = MasterKeys(current=NEW)
    assert NEW.hex() not in repr(keys) + keys.current_id


def test_a_signing_key_rests_encrypted_and_opens_with_its_master_key(first_key: SigningKey) -> None:
    assert first_key.private_pem is not None
    assert "ENCRYPTED" in first_key.private_pem
    assert first_key.private_pem not in repr(first_key)
    key = KeyVault(MasterKeys(current=OLD, older=[NEW])).open(first_key)
    assert key.kid == first_key.kid == key.public_key.thumbprint


def test_a_signing_key_of_another_master_key_does_not_open(first_key: SigningKey) -> None:
    with pytest.raises(StartupError, match="master key"):
        KeyVault(MasterKeys(current=OLD)).open(first_key)
