# SPDX-License-Identifier: Apache-2.0
"""AUTHZ_POLICIES: what a path of /v1/authz demands, by its name, as one JSON object."""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

import tessera
from tessera_service.engine.names import MAX_NAMES, is_name
from tessera_service.engine.policies import AuthzPolicy

MAX_POLICIES: Final = 256

_POLICY_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def _check_name(text: str) -> str:
    if not is_name(text):
        raise ValueError("is no name of a permission or a scope")
    return text


_Names = Annotated[frozenset[Annotated[str, AfterValidator(_check_name)]], Field(max_length=MAX_NAMES)]


class _Policy(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")  # a member that is misspelled demands nothing

    permissions: _Names = frozenset()
    scopes: _Names = frozenset()


_POLICIES: Final = TypeAdapter(Annotated[dict[str, _Policy], Field(max_length=MAX_POLICIES)])


def parse_policies(value: object) -> Mapping[str, AuthzPolicy]:
    """`{"reports": {"permissions": ["report.read"], "scopes": ["read"]}}`, or policies as code passes them; ValueError
    never repeats the text."""
    if isinstance(value, Mapping) and all(isinstance(policy, AuthzPolicy) for policy in value.values()):
        return value
    try:
        if not isinstance(value, str):
            raise ValueError
        tessera.check_json(value)  # no duplicates: the second of two policies would replace the first
        found = _POLICIES.validate_json(value)
    except (tessera.Error, ValueError, ValidationError):
        raise ValueError(
            'is no JSON object of policies, like {"reports": {"permissions": ["report.read"], "scopes": ["read"]}}'
        ) from None
    if not all(map(_POLICY_NAME.fullmatch, found)):
        raise ValueError("has a policy's name that is not 1 to 64 of letters, digits, dot, underscore, hyphen")
    return {name: AuthzPolicy(policy.permissions, policy.scopes) for name, policy in found.items()}
