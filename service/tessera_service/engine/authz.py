# SPDX-License-Identifier: Apache-2.0
"""May this bearer pass? The question that proxies ask before every request."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from tessera_service.engine.alive import Alive
from tessera_service.engine.liveness import Liveness
from tessera_service.engine.policies import AuthzPolicy
from tessera_service.engine.verifiers import Dead


class AuthzAnswer(NamedTuple):
    """`status`: 200, 401 (no live token) or 403. Texts are printable ASCII, lists separated by spaces, and "" what is
    not known: everything, unless the bearer is alive and of the tenant that was asked for."""

    status: int
    subject: str = ""
    tenant: str = ""
    session: str = ""  # "" also for a service token
    scopes: str = ""
    permissions: str = ""


DEAD: Final = AuthzAnswer(401)
REFUSED: Final = AuthzAnswer(403)


class Authz:
    """Takes access and service tokens. `policy` None asks only whether the token is alive; one that is not in the
    settings lets nobody pass."""

    def __init__(self, liveness: Liveness, policies: Mapping[str, AuthzPolicy]) -> None:
        self._liveness = liveness
        self._policies = policies

    @property
    def policies(self) -> Mapping[str, AuthzPolicy]:
        """Those of the settings, by name."""
        return self._policies

    def check_now(self, token: str | None, *, policy: str | None, tenant_id: str | None) -> AuthzAnswer | None:
        """As `check`, from memory; None when only `check` can tell. Awaits nothing."""
        if token is None:
            return DEAD
        try:
            found = self._liveness.check_now(token)
        except Dead:
            return DEAD
        return None if found is None else self._judge(found, policy, tenant_id)

    async def check(self, token: str | None, *, policy: str | None, tenant_id: str | None) -> AuthzAnswer:
        """Whether the bearer passes; `tenant_id` None: in its own tenant. StoreUnavailable when that cannot be known;
        never "dead" instead."""
        if token is None:
            return DEAD
        try:
            found = await self._liveness.check(token)
        except Dead:
            return DEAD
        return self._judge(found, policy, tenant_id)

    def _judge(self, found: Alive, policy: str | None, tenant_id: str | None) -> AuthzAnswer:
        if tenant_id is not None and tenant_id != found.caller.tenant_id:
            return REFUSED
        return _describe(found, 200 if policy is None or self._holds(found, policy) else 403)

    def _holds(self, found: Alive, name: str) -> bool:
        policy = self._policies.get(name)
        if policy is None or not policy.permissions <= found.caller.permissions:
            return False
        return not policy.scopes or policy.scopes.issubset(found.scope.split(" "))


def _describe(found: Alive, status: int) -> AuthzAnswer:
    """Refuses a record that cannot be told in headers: whatever came of a part of it would be somebody else's."""
    caller = found.caller
    answer = AuthzAnswer(
        status=status,
        subject=caller.subject,
        tenant=caller.tenant_id,
        session=caller.session_id or "",
        scopes=found.scope,
        permissions=" ".join(found.permissions),
    )
    told = "".join(answer[1:])
    return answer if told.isascii() and (told.isprintable() or not told) else REFUSED
