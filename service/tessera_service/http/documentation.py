# SPDX-License-Identifier: Apache-2.0
"""How OpenAPI describes what surfaces have in common: heads of answers, errors by their status, parameters, bodies."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from tessera_service.http.media import Media

Described = dict[str, Any]
Responses = dict[int | str, Described]

STATUS_TEXTS: Final = {
    413: "The body is over 64 KiB",
    415: "Another content type",
    429: "Over the request limit",
    500: "An error of the service",
    503: "A store does not answer, or a queue is full",
}
TENANT_PATTERN: Final = r"^[A-Za-z0-9._-]{1,64}$"


class Example(NamedTuple):
    """An error as it is answered; `case`: its name among those of the same status."""

    status: int
    case: str
    body: object


def header(text: str, kind: str = "string") -> Described:
    """A header of an answer."""
    return {"description": text, "schema": {"type": kind}}


REQUEST_ID: Final = {"X-Request-ID": header("The request's id: the caller's, or a new one")}
TENANT: Final = {"X-Tenant-ID": header("The tenant, once it is known")}
RATE_LIMIT: Final = {
    "RateLimit-Limit": header("Requests in a window, per tenant and client", "integer"),
    "RateLimit-Remaining": header("Requests left in the window; absent at 0", "integer"),
}


def refusal_head(status: int, *, challenge: str = "RFC 6750") -> Described:
    """What the head of an answer has by its status alone. `challenge`: where the scheme of credentials is written."""
    headers: Described = {}
    if status == 401:
        headers["WWW-Authenticate"] = header(challenge)
    if status in (429, 503):
        headers["Retry-After"] = header("Seconds to wait", "integer")
    return headers


def limited_head(status: int) -> Described:
    """The head of an answer where requests are counted, and bearers tell who calls."""
    return {**REQUEST_ID, **RATE_LIMIT, **refusal_head(status)}


def success(model: object, headers: Described) -> Described:
    """The answer to what was done."""
    return {"model": model, "description": "Success", "headers": headers}


def errors(
    examples: Iterable[Example], *, model: object, texts: Mapping[int, str], head: Callable[[int], Described]
) -> Responses:
    """One answer per status, the least first, each with its examples in their order. `texts`: what a status means."""
    grouped: dict[int, Described] = {}
    for status, case, body in examples:
        grouped.setdefault(status, {})[case] = {"value": body}
    return {
        status: {
            "model": model,
            "description": texts[status],
            "headers": head(status),
            "content": {Media.JSON.value: {"examples": of_status}},
        }
        for status, of_status in sorted(grouped.items())
    }


def enclosed_error(code: str, message: str, data: Mapping[str, object]) -> Described:
    """An example of the shared envelope."""
    error: Described = {"code": code, "message": message}
    if data:
        error["data"] = dict(data)
    return {"error": error, "meta": {"request_id": "req-001", "timestamp": "2026-01-31T14:35:00Z"}}


def parameter(
    name: str, place: str, schema: Described | None = None, *, required: bool = False, text: str | None = None
) -> Described:
    """A parameter in the header, the query or the path; any string without a `schema`. `text`: what it means."""
    described = {} if text is None else {"description": text}
    return {"name": name, "in": place, "required": required, **described, "schema": schema or {"type": "string"}}


def body(*models: type[BaseModel], required: bool, media: Iterable[Media] = (Media.JSON,)) -> Described:
    """A body that is one of the models, in each of these types of content."""
    references = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    return {"required": required, "content": {one.value: {"schema": schema} for one in media}}
