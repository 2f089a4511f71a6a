# SPDX-License-Identifier: Apache-2.0
"""The one place of the token surface's texts: a message for each code, and for cases that share theirs."""

from typing import Final

ENGLISH: Final = {
    "common.validation_error": "The request is not valid.",
    "common.forbidden": "The caller lacks a permission for this.",
    "common.rate_limited": "Too many requests: try again later.",
    "common.internal_error": "The service cannot answer at the moment.",
    "common.not_found": "There is nothing at this path.",
    "common.method_not_allowed": "This path does not take this method.",
    "common.payload_too_large": "The body is too large.",
    "common.unsupported_media_type": "The body's content type or encoding is not supported.",
    "auth.unauthorized": "A valid bearer token is required.",
    "credentials_refused": "The user name or the password is not right.",
    "auth.tenant.mismatch": "The credential belongs to another tenant.",
    "auth.refresh.invalid": "The refresh token or the request is not valid.",
    "auth.session.revoked": "The session is over.",
    "auth.session.not_found": "There is no such session.",
    "auth.session.forbidden": "The session belongs to another subject.",
    "auth.revoke.invalid": "The request names nothing that can be revoked.",
    "auth.introspect.invalid": "The request is not valid: it has to hold one token.",
    "token.unknown_jti": "No token of that id is known.",
}
