# SPDX-License-Identifier: Apache-2.0
"""`python -m tessera keygen|sign|verify|jwks`: the core from a shell. Needs nothing but the core.

Results go to standard output alone, messages to standard error. Exit status: 0 done, 1 refused, 2 wrong usage.
"""

import argparse
import sys
from collections.abc import Sequence

from tessera import _core
from tessera._commands import CommandError, jwks, keygen, sign, verify


def build_parser(program: str = "python -m tessera") -> argparse.ArgumentParser:
    """The parser of every command here; `command` of the result is the function that does it."""
    parser = argparse.ArgumentParser(
        prog=program, description="RS256 keys and tokens from the shell.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"tessera {_core.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_keygen(commands.add_parser("keygen", help="make a private key (PKCS#8 PEM)", allow_abbrev=False))
    _add_sign(commands.add_parser("sign", help="sign claims, print the token", allow_abbrev=False))
    _add_verify(commands.add_parser("verify", help="verify a token, print its claims", allow_abbrev=False))
    _add_jwks(commands.add_parser("jwks", help="print the public JWKS of key files", allow_abbrev=False))
    return parser


def _add_keygen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bits", type=int, default=2048, choices=(2048, 3072, 4096), help="size of the modulus")
    parser.add_argument("--out", metavar="FILE", help="write a new file that only you can read; prints the kid instead")
    parser.add_argument("--kid", help="with --out: the kid to print; else the RFC 7638 thumbprint")
    parser.add_argument("--password-stdin", action="store_true", help="encrypt under the first line of standard input")
    parser.set_defaults(command=keygen)


def _add_key(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--key", metavar="FILE", required=required, help="key in PEM or JWK")
    parser.add_argument("--kid", help="name of the key; else the JWK's own or the RFC 7638 thumbprint")


def _add_sign(parser: argparse.ArgumentParser) -> None:
    _add_key(parser, required=True)
    parser.add_argument(
        "--password-stdin", action="store_true", help="the key's password is the first line of standard input"
    )
    parser.add_argument("--type", default="at+jwt", help="header typ (at+jwt)")
    parser.add_argument("--ttl", metavar="SECONDS", type=int, help="set iat to now and exp to that many seconds later")
    parser.add_argument("claims", nargs="?", help="a JSON object; else standard input")
    parser.set_defaults(command=sign)


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jwks", metavar="FILE", help="a JWKS document")
    _add_key(parser, required=False)
    parser.add_argument("--issuer", help="iss has to equal it")
    parser.add_argument("--audience", action="append", default=[], help="aud has to contain it, or another one given")
    parser.add_argument("--type", action="append", default=[], help="accepted typ (at+jwt); may be repeated")
    parser.add_argument(
        "--require", action="append", default=[], metavar="CLAIM", help="besides iss, aud, exp, sub, iat, jti"
    )
    parser.add_argument("--leeway", metavar="SECONDS", type=int, default=0, help="added to exp")
    for name, what in (("expiry", "exp"), ("issuer", "iss"), ("audience", "aud")):
        parser.add_argument(f"--ignore-{name}", action="store_true", help=f"do not look at {what}")
    parser.add_argument("--ignore-claims", action="store_true", help="do not demand sub, iat and jti")
    parser.add_argument("--allow-any-type", action="store_true", help="accept any typ, or none")
    parser.add_argument("token", nargs="?", help="the token; else standard input, where no list of processes shows it")
    parser.set_defaults(command=verify)


def _add_jwks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("keys", nargs="+", metavar="FILE", help="public or private keys in PEM or JWK")
    parser.set_defaults(command=jwks)


def main(arguments: Sequence[str] | None = None, *, program: str = "python -m tessera") -> int:
    """Runs one command; returns the exit status."""
    options = build_parser(program).parse_args(arguments)
    try:
        print(options.command(options))
    except (CommandError, _core.Error, ValueError, TypeError) as error:
        code = f" ({error.code})" if isinstance(error, _core.Error) else ""
        print(f"{program}: {error}{code}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{program}: {error.strerror}: {error.filename}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
