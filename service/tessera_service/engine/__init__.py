# SPDX-License-Identifier: Apache-2.0
"""What a session may do: the one engine behind every surface."""

from tessera_service.engine.access_keys import AccessKeys
from tessera_service.engine.alive import SessionView
from tessera_service.engine.auth_sessions import AuthSessions, ListedSession, SessionList
from tessera_service.engine.authz import Authz, AuthzAnswer
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.engine import Engine
from tessera_service.engine.events import CONTENT_TYPE, CloudEvent
from tessera_service.engine.gateway import GatewaySessions, Validation
from tessera_service.engine.gateway_keys import GatewayKeys
from tessera_service.engine.keys import Jwks, KeyInfo, KeyRing, KeyState, MasterKeys
from tessera_service.engine.legacy import LegacySession, LegacySessions
from tessera_service.engine.limited import GatewayClient, GatewayRequest
from tessera_service.engine.login import Login, PasswordLogin
from tessera_service.engine.policies import AuthzPolicy
from tessera_service.engine.relay import Relay, Sink, SinkFailed
from tessera_service.engine.revocation import Mirror
from tessera_service.engine.service_tokens import ServiceTokens
from tessera_service.engine.session_tokens import SessionTokens
from tessera_service.engine.tenants import Tenants
from tessera_service.engine.tokens import TokenEngine
from tessera_service.engine.users import NewUser, UserChange, Users

__all__ = [
    "CONTENT_TYPE",
    "AccessKeys",
    "AuthSessions",
    "Authz",
    "AuthzAnswer",
    "AuthzPolicy",
    "CloudEvent",
    "Engine",
    "EngineConfig",
    "GatewayClient",
    "GatewayKeys",
    "GatewayRequest",
    "GatewaySessions",
    "Jwks",
    "KeyInfo",
    "KeyRing",
    "KeyState",
    "LegacySession",
    "LegacySessions",
    "ListedSession",
    "Login",
    "MasterKeys",
    "Mirror",
    "NewUser",
    "PasswordLogin",
    "Relay",
    "ServiceTokens",
    "SessionList",
    "SessionTokens",
    "SessionView",
    "Sink",
    "SinkFailed",
    "Tenants",
    "TokenEngine",
    "UserChange",
    "Users",
    "Validation",
]
