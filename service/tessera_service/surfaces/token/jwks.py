# SPDX-License-Identifier: Apache-2.0
"""GET and HEAD /.well-known/jwks.json: from memory, whatever the store does; made to be cached."""

from starlette.types import Receive, Scope, Send

from tessera_service.engine import Engine
from tessera_service.http.conditional import format_http_date, is_unchanged
from tessera_service.http.errors import MethodNotAllowed
from tessera_service.http.exchange import exchange_of


class JwksEndpoint:
    """Answers for every method of the path, so that no routing stands before it."""

    def __init__(self, engine: Engine) -> None:
        self._keys = engine.keys

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        if exchange.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(["GET", "HEAD"])
        jwks = self._keys.jwks_now()
        headers = [
            (b"cache-control", b"public, max-age=%d" % jwks.max_age),
            (b"etag", jwks.etag.encode()),
            (b"last-modified", format_http_date(jwks.last_modified).encode()),
            (b"access-control-allow-origin", b"*"),
        ]
        unchanged = is_unchanged(
            if_none_match=list(exchange.header_values(b"if-none-match")),
            if_modified_since=exchange.header(b"if-modified-since"),
            etag=jwks.etag,
            last_modified=jwks.last_modified,
        )
        if not unchanged:
            headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(jwks.body))]
        await send({"type": "http.response.start", "status": 304 if unchanged else 200, "headers": headers})
        body = b"" if unchanged or exchange.method == "HEAD" else jwks.body
        await send({"type": "http.response.body", "body": body})
