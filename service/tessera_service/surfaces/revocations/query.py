# SPDX-License-Identifier: Apache-2.0
"""What a follower asks: from where on, and how long it waits."""

import re
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from tessera_service.errors import InvalidInput
from tessera_service.surfaces.revocations.operations import DEFAULT_WAIT, MAX_WAIT

_MAX_FIELDS: Final = 16
_SECONDS: Final = re.compile(r"[0-9]{1,2}", re.ASCII)


class Asked(NamedTuple):
    """`cursor` None: from the beginning. `wait`: seconds."""

    cursor: str | None
    wait: int


def read_query(query: bytes) -> Asked:
    """The fields `cursor` and `wait`, each at most once; others are ignored. InvalidInput."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise InvalidInput from None
    for name in ("cursor", "wait"):
        if sum(name == sent for sent, _ in pairs) > 1:
            raise InvalidInput(name)
    fields = dict(pairs)
    return Asked(fields.get("cursor"), _read_wait(fields.get("wait")))


def _read_wait(text: str | None) -> int:
    if text is None:
        return DEFAULT_WAIT
    if _SECONDS.fullmatch(text) is None or int(text) > MAX_WAIT:
        raise InvalidInput("wait")
    return int(text)
