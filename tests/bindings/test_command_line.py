# SPDX-License-Identifier: Apache-2.0
import json
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tessera

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """run(*arguments, stdin=...): one command in a directory of its own."""

    def command(*arguments: str | Path, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        words = [sys.executable, "-m", "tessera", *map(str, arguments)]
        return subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=60, cwd=tmp_path)

    return command


@pytest.fixture
def key_file(tmp_path: Path, key: tessera.PrivateKey) -> Path:
    path = tmp_path / "key.pem"
    path.write_text(key.to_pem(), encoding="ascii")
    return path


@pytest.fixture
def present() -> dict[str, Any]:
    """Claims that are good now."""
    now = int(time.time())
    return {"iss": "me", "aud": "api", "sub": "alice", "jti": "1", "iat": now, "exp": now + 900}


GOOD = ("--issuer", "me", "--audience", "api")


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    """The one line of a refusal."""
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("python -m tessera: ")
    return done.stderr


def test_the_version_is_that_of_the_module(run: Run) -> None:
    assert run("--version").stdout == f"tessera {tessera.__version__}\n"


def test_keygen_prints_a_key(run: Run) -> None:
    done = run("keygen")
    assert tessera.PrivateKey.from_pem(done.stdout).bits == 2048
    assert done.stderr == ""


def test_keygen_encrypts_under_the_password_of_standard_input(run: Run) -> None:
    pem = run("keygen", "--bits", "3072", "--password-stdin", stdin="secret\n").stdout
    assert tessera.PrivateKey.from_pem(pem, password="secret").bits == 3072
    assert "the password is empty" in refused(run("keygen", "--password-stdin", stdin="\n"))


def test_keygen_writes_a_new_file_for_its_owner_alone(run: Run, tmp_path: Path) -> None:
    done = run("keygen", "--out", "new.pem")
    path = tmp_path / "new.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert done.stdout.strip() == tessera.PrivateKey.from_pem(path.read_text()).kid
    before = path.read_text()
    assert "File exists" in refused(run("keygen", "--out", "new.pem"))
    assert path.read_text() == before
    assert run("keygen", "--out", "named.pem", "--kid", "mine").stdout == "mine\n"


def test_sign_makes_the_token_of_the_claims_as_they_stand(run: Run, key_file: Path, key: tessera.PrivateKey) -> None:
    expected = tessera.Signer(tessera.PrivateKey.from_pem(key.to_pem())).sign(b'{"sub": "alice"}')
    assert run("sign", "--key", key_file, '{"sub": "alice"}').stdout == expected + "\n"
    assert run("sign", "--key", key_file, stdin='{"sub": "alice"}').stdout == expected + "\n"


def test_sign_takes_a_type_a_kid_and_a_lifetime(run: Run, key_file: Path, key: tessera.PrivateKey) -> None:
    done = run("sign", "--key", key_file, "--type", "JWT", "--kid", "mine", "--ttl", "60", '{"sub":"Nguyễn","exp":1}')
    header, payload = tessera.verify_jws(done.stdout.strip(), key.public_key)
    claims = json.loads(payload)
    assert json.loads(header) == {"alg": "RS256", "typ": "JWT", "kid": "mine"}
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("Nguyễn", 60)
    assert abs(claims["iat"] - time.time()) < 60


def test_sign_opens_an_encrypted_key(run: Run, tmp_path: Path, key: tessera.PrivateKey) -> None:
    (tmp_path / "locked.pem").write_text(key.to_pem(password="secret"), encoding="ascii")
    done = run("sign", "--key", "locked.pem", "--password-stdin", stdin='secret\n{"sub":"alice"}')
    assert tessera.verify_jws(done.stdout.strip(), key.public_key)[1] == b'{"sub":"alice"}'
    wrong = refused(run("sign", "--key", "locked.pem", "--password-stdin", "{}", stdin="hunter2\n"))
    assert "(key_password_wrong)" in wrong
    assert "hunter2" not in wrong


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("{",), "claims_malformed"),
        (("[]",), "claims_malformed"),
        (('{"a":1,"a":2}',), "claims_malformed"),
        (("--ttl", "60", "[]"), "must be a JSON object"),
        (("--ttl", "60", "{"), "json_malformed"),
        (("--ttl", "0", "{}"), "--ttl must be at least 1"),
        (("--type", "", "{}"), "limit_exceeded"),
    ],
)
def test_sign_refuses_in_one_line(run: Run, key_file: Path, arguments: tuple[str, ...], text: str) -> None:
    assert text in refused(run("sign", "--key", key_file, *arguments))


def test_a_missing_or_senseless_key_is_named(run: Run, tmp_path: Path) -> None:
    assert "No such file or directory: nowhere.pem" in refused(run("sign", "--key", "nowhere.pem", "{}"))
    (tmp_path / "bad.pem").write_text("no key")
    assert "(key_malformed)" in refused(run("sign", "--key", "bad.pem", "{}"))
    (tmp_path / "big.pem").write_text("x" * 1_048_577)
    assert "larger than 1048576 bytes" in refused(run("jwks", "big.pem"))


def test_verify_prints_the_claims(run: Run, key_file: Path, tmp_path: Path, present: dict[str, Any]) -> None:
    token = run("sign", "--key", key_file, json.dumps(present)).stdout
    (tmp_path / "jwks.json").write_text(run("jwks", key_file).stdout, encoding="ascii")
    for keys in (("--key", key_file), ("--jwks", "jwks.json")):
        assert json.loads(run("verify", *keys, *GOOD, stdin=token).stdout) == present
        assert json.loads(run("verify", *keys, *GOOD, token.strip()).stdout) == present


@pytest.mark.parametrize(
    ("change", "ignore"),
    [
        ({"iss": "other"}, "--ignore-issuer"),
        ({"aud": "other"}, "--ignore-audience"),
        ({"exp": 1, "iat": 1}, "--ignore-expiry"),
        ({"sub": None}, "--ignore-claims"),
    ],
)
def test_verify_refuses_what_is_not_visibly_ignored(
    run: Run, key_file: Path, present: dict[str, Any], change: dict[str, Any], ignore: str
) -> None:
    claims = {name: value for name, value in {**present, **change}.items() if value is not None}
    token = run("sign", "--key", key_file, json.dumps(claims)).stdout.strip()
    line = refused(run("verify", "--key", key_file, *GOOD, stdin=token))
    assert token[:30] not in line
    assert json.loads(run("verify", "--key", key_file, *GOOD, ignore, stdin=token).stdout) == claims


def test_verify_refuses_a_forged_token_without_showing_it(run: Run, key_file: Path, present: dict[str, Any]) -> None:
    token = run("sign", "--key", key_file, json.dumps(present)).stdout.strip()
    forged = token[:-6] + "AAAAAA"
    line = refused(run("verify", "--key", key_file, *GOOD, forged))
    assert "(signature_invalid)" in line
    assert token[:30] not in line


def test_verify_asks_for_what_it_needs(run: Run, key_file: Path) -> None:
    assert "--issuer is needed unless --ignore-issuer" in refused(run("verify", "--key", key_file, "a.b.c"))
    assert "--audience is needed" in refused(run("verify", "--key", key_file, "--issuer", "me", "a.b.c"))
    assert "one of --key and --jwks is needed" in refused(run("verify", *GOOD, "a.b.c"))
    assert "one of --key and --jwks" in refused(run("verify", "--key", key_file, "--jwks", key_file, *GOOD, "a.b.c"))


def test_verify_judges_types_leeway_and_required_claims(run: Run, key_file: Path, present: dict[str, Any]) -> None:
    token = run("sign", "--key", key_file, "--type", "JWT", json.dumps(present)).stdout.strip()
    assert "(type_not_allowed)" in refused(run("verify", "--key", key_file, *GOOD, token))
    assert run("verify", "--key", key_file, *GOOD, "--type", "JWT", token).returncode == 0
    assert run("verify", "--key", key_file, *GOOD, "--allow-any-type", token).returncode == 0
    assert "(claim_missing)" in refused(
        run("verify", "--key", key_file, *GOOD, "--type", "JWT", "--require", "sid", token)
    )
    old = run("sign", "--key", key_file, json.dumps({**present, "exp": int(time.time()) - 5})).stdout.strip()
    assert "(token_expired)" in refused(run("verify", "--key", key_file, *GOOD, old))
    assert run("verify", "--key", key_file, *GOOD, "--leeway", "3600", old).returncode == 0


def test_jwks_prints_public_halves_only(
    run: Run, key_file: Path, tmp_path: Path, other_key: tessera.PrivateKey
) -> None:
    (tmp_path / "public.pem").write_text(other_key.public_key.to_pem(), encoding="ascii")
    (tmp_path / "public.jwk").write_text(tessera.PrivateKey.generate(kid="third").public_key.to_jwk(), encoding="ascii")
    document = json.loads(run("jwks", key_file, "public.pem", "public.jwk").stdout)
    assert [jwk["kid"] for jwk in document["keys"]][2] == "third"
    assert {name for jwk in document["keys"] for name in jwk} == {"kty", "kid", "use", "alg", "n", "e"}


@pytest.mark.parametrize("arguments", [(), ("unknown",), ("keygen", "--bits", "1024"), ("sign",), ("jwks",)])
def test_wrong_usage_ends_with_status_2(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage:" in done.stderr


@pytest.mark.parametrize("command", [(), ("keygen",), ("sign",), ("verify",), ("jwks",)])
def test_each_command_has_help(run: Run, command: tuple[str, ...]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "usage: python -m tessera" in done.stdout
