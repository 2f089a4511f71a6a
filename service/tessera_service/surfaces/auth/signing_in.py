# SPDX-License-Identifier: Apache-2.0
"""What POST /auth/login does once its body is read."""

from tessera_service.engine import Engine
from tessera_service.engine.codes import CodeLogin
from tessera_service.engine.login import PasswordLogin
from tessera_service.http.exchange import Exchange
from tessera_service.http.request import StrictBody
from tessera_service.models import IssuedTokens
from tessera_service.surfaces.auth.device import read_metadata
from tessera_service.surfaces.auth.schemas import OTP, LocalLogin, LoginKind, OtpLogin


async def sign_in(exchange: Exchange, engine: Engine, *, tenant_id: str, sent: StrictBody) -> IssuedTokens:
    """A session for who can prove to be a user. InvalidInput, CredentialsRefused, CodeRefused, CodeExpired,
    RateLimited, TokenTooLarge, Overloaded."""
    if sent.decode(LoginKind).login_type == OTP:
        by_code = _read_code(exchange, tenant_id, sent.decode(OtpLogin))
        return await exchange.in_time(engine.codes.sign_in(by_code))
    by_name = _read_password(exchange, tenant_id, sent.decode(LocalLogin))
    return await exchange.in_time(engine.login.with_password(by_name))


def _read_code(exchange: Exchange, tenant_id: str, body: OtpLogin) -> CodeLogin:
    return CodeLogin(
        tenant_id=tenant_id,
        phone_number=body.phone_number,
        otp_code=body.otp_code,
        address=exchange.peer,
        metadata=read_metadata(exchange),
    )


def _read_password(exchange: Exchange, tenant_id: str, body: LocalLogin) -> PasswordLogin:
    return PasswordLogin(
        tenant_id=tenant_id,
        username=body.username,
        password=body.password,
        address=exchange.peer,
        metadata=read_metadata(exchange),
    )
