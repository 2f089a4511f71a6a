# SPDX-License-Identifier: Apache-2.0
"""Verifying tokens in one's own process, with the keys and the revocations of a service that are followed.

    from tessera import Policy
    from tessera.follower import LocalVerifier, RemoteKeySet, RevocationFollower

    keys = RemoteKeySet("https://tokens.example")
    with RevocationFollower("https://tokens.example", token, keys=keys) as revocations:
        verifier = LocalVerifier(keys, Policy(issuer="…", audience="…"), revocations=revocations)
        claims = verifier.verify(access_token)

Revocations arrive by long poll, so as soon as the service knows of them. What is known may be `max_staleness_seconds`
old: beyond that the verifier raises NotFreshError, which says nothing of the token. Standard library only.
"""

from tessera.follower.connection import FollowError
from tessera.follower.keys import RemoteKeySet
from tessera.follower.revocations import RevocationFollower
from tessera.follower.verifier import LocalVerifier, NotFreshError

__all__ = ["FollowError", "LocalVerifier", "NotFreshError", "RemoteKeySet", "RevocationFollower"]
