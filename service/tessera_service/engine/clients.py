# SPDX-License-Identifier: Apache-2.0
"""Programs that call with an access key itself, as standard OAuth clients do, instead of a token that it opened."""

from typing import Final

from tessera_service.engine.access_keys import AccessKeys
from tessera_service.engine.births import Births
from tessera_service.engine.grants import KeySnapshot
from tessera_service.engine.permissions import INTROSPECT, REVOKE
from tessera_service.errors import ClientRefused, Forbidden
from tessera_service.models import AccessKeyRecord, Caller, TokenKind

RESOURCE: Final = "oauth2"  # on which a key has to grant what its program may do

_PERMISSIONS: Final = (INTROSPECT, REVOKE)
_NEVER: Final = 2**62


class Clients:
    """Always asks the directory: a key that was disabled is refused at once, everywhere."""

    def __init__(self, *, access_keys: AccessKeys, births: Births) -> None:
        self._access_keys = access_keys
        self._births = births

    async def authenticate(self, access_key_id: str, secret: str, *, tenant_id: str | None) -> Caller:
        """Who calls with that access key, in the key's tenant, with the permissions that its grants give on RESOURCE.
        ClientRefused, also for a key of another tenant than `tenant_id` (None: any) and for one of a user who is not
        active; StoreUnavailable."""
        key = await self._access_keys.check(access_key_id, secret, tenant_id=tenant_id)
        if key is None:
            raise ClientRefused
        try:
            await self._births.expect(key.tenant_id, key.subject)
        except Forbidden:
            raise ClientRefused from None
        return _caller_of(key)


def _caller_of(key: AccessKeyRecord) -> Caller:
    granted = KeySnapshot(key.tenant_id, key.subject, tuple(key.grants))
    return Caller(
        tenant_id=key.tenant_id,
        subject=key.subject,
        client_id=key.access_key_id,
        kind=TokenKind.SERVICE,  # no session stands behind it
        jti=key.access_key_id,
        session_id=None,
        permissions=frozenset(name for name in _PERMISSIONS if granted.permits(RESOURCE, name)),
        expires_at=_NEVER,
    )
