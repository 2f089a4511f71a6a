# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz targets below corpus/, one folder per target. Run it again after changing it."""

import base64
import json
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
HEADER = {"alg": "RS256", "typ": "at+jwt", "kid": "key-1"}
CLAIMS = {"iss": "issuer", "aud": "service", "sub": "alice", "jti": "id-1", "iat": 1_700_000_000, "exp": 1_700_000_060}
# The modulus of RFC 7638 section 3.1.
MODULUS = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMst"
    "n64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajr"
    "n1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(header: object, claims: object, signature: bytes = bytes(256)) -> str:
    parts = [json.dumps(part).encode() for part in (header, claims)] + [signature]
    return ".".join(base64url(part) for part in parts)


def der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def public_pem() -> str:
    modulus = base64.urlsafe_b64decode(MODULUS + "==")
    pkcs1 = der(0x30, der(0x02, b"\0" + modulus) + der(0x02, b"\1\0\1"))
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    body = base64.b64encode(der(0x30, algorithm + der(0x03, b"\0" + pkcs1))).decode()
    lines = [body[i : i + 64] for i in range(0, len(body), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def token_seeds() -> list[str]:
    signed = [
        (HEADER, CLAIMS),
        (HEADER, CLAIMS | {"aud": ["service", "other"], "sid": "s", "tenant_id": "tenant-a", "nbf": 0}),
        (HEADER, CLAIMS | {"exp": 1}),
        (HEADER | {"crit": ["exp"]}, CLAIMS),
        (HEADER | {"alg": "none"}, CLAIMS),
        (HEADER | {"kid": "unknown"}, CLAIMS),
    ]
    halves = [f"{json.dumps(header)}\n{json.dumps(claims)}" for header, claims in signed]
    escaped = r'{"\u0061lg":"RS256","typ":"at+jwt","kid":"key\u002d1"}' + "\n" + json.dumps(CLAIMS)
    return [*halves, escaped, token(HEADER, CLAIMS), token(HEADER, CLAIMS, b""), "..", "a.b.c", ".e30.", "e30.e30.e30"]


def json_seeds() -> list[str]:
    return [
        "{}",
        "[]",
        "0",
        "-0.5e-10",
        '""',
        "true",
        "null",
        " [1 , 2]\n",
        '{"a":{"b":[1,{"c":null}]}}',
        r'"\u0041\ud83d\ude00\n\/"',
        '{"a":1,"\\u0061":2}',
        '"\u00e9\u20ac\U0001f600"',
        "[[[[[[[[]]]]]]]]",
        '{"a":1e999,"b":-0}',
        "[1,]",
        '{"a":1,"a":1}',
        "NaN",
        '"\\ud800"',
        "01",
        "{}x",
        json.dumps(CLAIMS),
    ]


def base64url_seeds() -> list[str]:
    return ["", "Zg", "Zm8", "Zm9v", "-_-_", "Zg==", "Zh", "A", "Zm9v\n", "+/+/", base64url(bytes(range(256)))]


def jwk_seeds() -> list[str]:
    key = {"kty": "RSA", "n": MODULUS, "e": "AQAB"}
    keys = [
        key,
        key | {"alg": "RS256", "use": "sig", "kid": "2011-04-29", "key_ops": ["verify"]},
        key | {"e": "AQ"},
        key | {"d": "AQAB"},
        {"keys": [key]},
        {"keys": [key, {"kty": "oct", "k": "AAAA"}]},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        key | {"use": "enc"},
        key | dict.fromkeys(("d", "p", "q", "dp", "dq", "qi"), "AQAB"),
    ]
    broken_pem = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"
    return [json.dumps(value) for value in keys] + [public_pem(), broken_pem]


def main() -> None:
    seeds = {"token": token_seeds(), "json": json_seeds(), "base64url": base64url_seeds(), "jwk": jwk_seeds()}
    for target, texts in seeds.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(texts):
            (folder / f"seed-{number:02}").write_bytes(text.encode())


if __name__ == "__main__":
    main()
