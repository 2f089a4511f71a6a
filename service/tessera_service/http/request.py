# SPDX-License-Identifier: Apache-2.0
"""The one route class of the surfaces: its requests read bodies strictly, bounded in bytes and time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive

from tessera_service.http.body import read_body
from tessera_service.http.errors import UnsupportedMediaType
from tessera_service.http.exchange import Exchange, exchange_of
from tessera_service.http.media import Media, parse_content_type
from tessera_service.http.strict import Body, parse_form, parse_json

M = TypeVar("M", bound=Body)

_JSON_SPACE = b" \t\r\n"


class StrictRequest(Request):
    """A request whose body is read by `read` and decoded by `decode` only."""

    @property
    def exchange(self) -> Exchange:
        """The exchange that it belongs to."""
        return exchange_of(self.scope)

    async def read(self) -> "StrictBody":
        """The body, once."""
        return await read_strictly(self.exchange, self.receive)

    async def json(self) -> Any:
        """Refused: the standard library's parser takes NaN and duplicates, and recurses."""
        raise TypeError("bodies are read by StrictRequest.read")


class StrictBody:
    """The bytes of a body and what they are."""

    __slots__ = ("data", "media")

    def __init__(self, data: bytes, media: Media | None) -> None:
        self.data = data
        self.media = media

    def decode(self, model: type[M], *, form: bool = False) -> M:
        """The body as `model`. No bytes at all are `{}`. JSON under the form type is JSON; with `form`, fields of a
        form are read too. InvalidInput, UnsupportedMediaType."""
        if not self.data:
            return parse_json(model, b"{}")
        if self.media is None:
            raise UnsupportedMediaType
        if form and self.media is Media.FORM and not self.data.lstrip(_JSON_SPACE).startswith(b"{"):
            return parse_form(model, self.data)
        return parse_json(model, self.data)

    def decode_json(self, model: type[M]) -> M:
        """As `decode`, but only under the type of JSON. InvalidInput, UnsupportedMediaType."""
        if self.data and self.media is not Media.JSON:
            raise UnsupportedMediaType
        return self.decode(model)

    def decode_form(self, model: type[M]) -> M:
        """Fields of a form, only under that type. InvalidInput, UnsupportedMediaType."""
        if self.data and self.media is not Media.FORM:
            raise UnsupportedMediaType
        return parse_form(model, self.data)


async def read_strictly(exchange: Exchange, receive: Receive) -> StrictBody:
    """Checks content type and content encoding, then reads. The time that the client takes does not count as ours."""
    if exchange.has_header(b"content-encoding") and exchange.header(b"content-encoding") != b"identity":
        raise UnsupportedMediaType
    media = None
    if exchange.has_header(b"content-type"):
        media = parse_content_type(exchange.header(b"content-type") or b"")
    loop = asyncio.get_running_loop()
    began = loop.time()
    data = await read_body(receive, announced=exchange.header(b"content-length"))
    exchange.deadline += loop.time() - began
    return StrictBody(data, media)


class StrictRoute(APIRoute):
    """Gives endpoints a StrictRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, with our request."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly
