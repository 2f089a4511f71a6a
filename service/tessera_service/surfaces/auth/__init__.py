# SPDX-License-Identifier: Apache-2.0
"""The auth surface: `/auth`, where users sign in and out and look after their sessions."""

from typing import Final

from tessera_service.http.edge import Zone
from tessera_service.surfaces.auth.dialect import AuthDialect
from tessera_service.surfaces.auth.operations import BASE
from tessera_service.surfaces.auth.routes import router
from tessera_service.surfaces.auth.schemas import LoginRequest, LogoutRequest, OtpRequest, RevokeSessionRequest
from tessera_service.surfaces.surface import Surface

SURFACE: Final = Surface(
    name="auth",
    router=router,
    zones=(Zone(BASE, AuthDialect(), limited=True),),
    schemas=(LoginRequest, OtpRequest, LogoutRequest, RevokeSessionRequest),
)
