# SPDX-License-Identifier: Apache-2.0
"""Who may deliver to a sink, as plain functions: all stores agree."""

from dataclasses import dataclass, replace

from tessera_service.models import RelayClaim


@dataclass(frozen=True, slots=True)
class Relay:
    """How far a sink was delivered to, and who does that until when."""

    position: int = 0
    fence: int = 0
    holder: str = ""
    lease_until_ms: int = 0

    def claim(self) -> RelayClaim:
        """What its holder is told."""
        return RelayClaim(self.position, self.fence)


def claimed(relay: Relay, *, holder: str, now_ms: int, lease_ms: int) -> Relay | None:
    """The relay in the hands of `holder`; None while another's lease is live."""
    # A clock that was ahead when the lease was taken would hold events back until that time really comes.
    is_live = now_ms < relay.lease_until_ms <= now_ms + 2 * lease_ms
    if is_live and relay.holder != holder:
        return None
    fence = relay.fence if relay.holder == holder else relay.fence + 1
    return replace(relay, fence=fence, holder=holder, lease_until_ms=now_ms + lease_ms)


def advanced(relay: Relay, *, fence: int, position: int, now_ms: int, lease_ms: int) -> Relay | None:
    """The relay after a delivery; None if it is in other hands."""
    if relay.fence != fence:
        return None
    until_ms = now_ms + lease_ms if lease_ms else 0
    return replace(relay, position=max(relay.position, position), lease_until_ms=until_ms)
