# SPDX-License-Identifier: Apache-2.0
"""What the commands do: from parsed options to the text that is printed."""

import json
import os
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from tessera import _core

MAX_FILE_BYTES = 1_048_576


class CommandError(Exception):
    """A refusal in one line. Never holds a token, a key or a password."""


def keygen(options: Namespace) -> str:
    """A PKCS#8 PEM; with --out the kid, after the file was made."""
    key = _core.PrivateKey.generate(bits=options.bits, kid=options.kid)
    pem = key.to_pem(password=_password(options))
    if options.out is None:
        return pem.rstrip("\n")
    descriptor = os.open(options.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(pem)
    return key.kid


def sign(options: Namespace) -> str:
    """The token. The claims are signed as they stand, unless --ttl sets their times."""
    password = _password(options)
    claims = _argument_or_stdin(options.claims, "claims").encode("utf-8", "surrogateescape")
    if options.ttl is not None:
        claims = _with_times(claims, options.ttl)
    key = _private_key(Path(options.key), kid=options.kid, password=password)
    return _core.Signer(key).sign(claims, type=options.type)


def verify(options: Namespace) -> str:
    """The claims, one member to a line."""
    for name in ("issuer", "audience"):
        if not getattr(options, name) and not getattr(options, f"ignore_{name}"):
            raise CommandError(f"--{name} is needed unless --ignore-{name} is given")
    keys = _key_set(options)
    policy = _core.Policy(
        issuer=options.issuer or "",
        audience=options.audience,
        types=options.type or ["at+jwt"],
        required_claims=[*(() if options.ignore_claims else ("sub", "iat", "jti")), *options.require],
        leeway_seconds=options.leeway,
        ignore_expiry=options.ignore_expiry,
        ignore_issuer=options.ignore_issuer,
        ignore_audience=options.ignore_audience,
        allow_any_type=options.allow_any_type,
    )
    token = _argument_or_stdin(options.token, "token").strip(" \t\r\n")
    return json.dumps(_core.Verifier(keys, policy).verify(token), indent=2, ensure_ascii=False)


def jwks(options: Namespace) -> str:
    """A JWKS document of the public halves."""
    return _core.KeySet([_public_key(Path(name), kid=None) for name in options.keys]).jwks()


def _with_times(claims: bytes, ttl_seconds: int) -> bytes:
    if ttl_seconds < 1:
        raise CommandError("--ttl must be at least 1 second")
    _core.check_json(claims)
    members: Any = json.loads(claims)
    if not isinstance(members, dict):
        raise CommandError("claims must be a JSON object")
    now = int(time.time())
    return json.dumps({**members, "iat": now, "exp": now + ttl_seconds}, separators=(",", ":")).encode()


def _key_set(options: Namespace) -> _core.KeySet:
    if (options.key is None) == (options.jwks is None):
        raise CommandError("one of --key and --jwks is needed")
    if options.jwks is not None:
        return _core.KeySet.from_jwks(_read(Path(options.jwks)))
    return _core.KeySet([_public_key(Path(options.key), kid=options.kid)])


def _public_key(path: Path, *, kid: str | None) -> _core.PublicKey:
    """A public key, or the public half of a private one."""
    text = _read(path)
    if b"PRIVATE KEY" in text or b'"d"' in text:
        return _private_key(path, kid=kid, password=None).public_key
    return _core.PublicKey.from_jwk(text, kid=kid) if _is_jwk(text) else _core.PublicKey.from_pem(text, kid=kid)


def _private_key(path: Path, *, kid: str | None, password: str | None) -> _core.PrivateKey:
    text = _read(path)
    if _is_jwk(text):
        return _core.PrivateKey.from_jwk(text, kid=kid)
    return _core.PrivateKey.from_pem(text, password=password, kid=kid)


def _is_jwk(text: bytes) -> bool:
    return text.lstrip().startswith(b"{")


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise CommandError(f"{path} is larger than {MAX_FILE_BYTES} bytes")
    return data


def _password(options: Namespace) -> str | None:
    if not options.password_stdin:
        return None
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise CommandError("the password is empty")
    return password


def _argument_or_stdin(argument: str | None, name: str) -> str:
    if argument is not None:
        return argument
    text = sys.stdin.read(MAX_FILE_BYTES + 1)
    if len(text) > MAX_FILE_BYTES:
        raise CommandError(f"{name} are larger than {MAX_FILE_BYTES} characters")
    return text
