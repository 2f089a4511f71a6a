# SPDX-License-Identifier: Apache-2.0
"""Verifies tokens in this process, revocations included, without a request for each.

    TESSERA_TOKEN=$(tessera tokens mint --tenant default --subject verifier --permission token.introspect --ttl 720h) \
        python local_verify.py http://127.0.0.1:8081

Reads access tokens from standard input, one to a line; answers each with a line: `alive SUBJECT`, `refused CAUSE`, or
`unknown CAUSE` when revocations or keys were not heard of for too long. Needs the module tessera alone.
"""

import argparse
import os
import sys

import tessera
from tessera.follower import LocalVerifier, NotFreshError, RemoteKeySet, RevocationFollower


def main() -> None:
    options = read_options()
    policy = tessera.Policy(issuer=options.issuer or options.url, audience=options.audience)
    keys = RemoteKeySet(options.url)
    with RevocationFollower(options.url, os.environ["TESSERA_TOKEN"], keys=keys) as revocations:
        if not revocations.wait_until_fresh(options.patience):
            sys.exit(f"{options.url} is not followed: {revocations.last_error}")
        verifier = LocalVerifier(keys, policy, revocations=revocations, cache=tessera.TokenCache())
        print(f"following {revocations.tenant_id or 'every tenant'}", flush=True)
        for line in sys.stdin:
            print(judge(verifier, line.strip()), flush=True)


def judge(verifier: LocalVerifier, token: str) -> str:
    try:
        claims = verifier.verify(token)
    except tessera.TokenError as error:
        return f"refused {error.code}"  # of a web service: 401
    except NotFreshError as error:
        return f"unknown {error.code}"  # 503, or ask /v1/token/introspect about this one
    return f"alive {claims['sub']}"


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Verifies tokens, one to a line, in this process.")
    parser.add_argument("url", help="of the service; https, but for this machine")
    parser.add_argument("--issuer", help="of the tokens; the URL if it is not given")
    parser.add_argument("--audience", default="dx-vas", help="of the tokens")
    parser.add_argument("--patience", type=float, default=30, help="seconds to wait for the first answer")
    return parser.parse_args()


if __name__ == "__main__":
    main()
