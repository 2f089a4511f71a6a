# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a request before its body means anything. Rendered like engine errors, by the same tables."""

from collections.abc import Sequence

from tessera_service.errors import InvalidInput, ServiceError


class NotFound(ServiceError):
    """No such path."""

    code = "not_found"


class MethodNotAllowed(ServiceError):
    """The path is there, the method is not. `allow` lists those that are."""

    code = "method_not_allowed"

    def __init__(self, allow: Sequence[str]) -> None:
        super().__init__("method not allowed")
        self.allow = tuple(allow)


class BodyTooLarge(ServiceError):
    """A body over the limit, announced or sent."""

    code = "body_too_large"


class UnsupportedMediaType(ServiceError):
    """A content type, charset or content encoding that is not read here."""

    code = "unsupported_media_type"


class BodyTooSlow(InvalidInput):
    """A body that was not complete in time; the connection is of no more use."""


class ClientGone(Exception):
    """The client went away before its request was complete: there is nobody to answer."""
