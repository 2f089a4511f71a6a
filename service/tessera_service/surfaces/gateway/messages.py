# SPDX-License-Identifier: Apache-2.0
"""The one place of the gateway surface's texts: of each error code, and of each success."""

from typing import Final

ENGLISH: Final = {
    "invalid_request": "The request is not valid.",
    "missing_fields": "A required field is missing.",
    "missing_token": "A token is required.",
    "session_expired": "Session has expired",
    "session_inactive": "Session is not active",
    "session_not_found": "Session does not exist",
    "forbidden": "This is not allowed.",
    "session_creation_failed": "Failed to create session",
    "validation_error": "The service cannot answer at the moment.",
    "rate_limited": "Too many requests: try again later.",
    "not_found": "There is nothing at this path.",
    "method_not_allowed": "This path does not take this method.",
    "payload_too_large": "The body is too large.",
    "unsupported_media_type": "The body's content type or encoding is not supported.",
}

SERVICE: Final = "session-service"
HEALTHY: Final = "Session service is operational"
UNHEALTHY: Final = "Session service is not operational"
CREATED: Final = "Session created successfully"
REFRESHED: Final = "Session refreshed successfully"
NOT_REFRESHED: Final = "Session does not need to be refreshed yet"
REVOKED: Final = "Session revoked successfully"
USER_REVOKED: Final = "User sessions revoked successfully"
