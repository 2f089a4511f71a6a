# SPDX-License-Identifier: Apache-2.0
"""Holds the rules of ARCHITECTURE.md, and shows of each rule that it can be broken."""

from pathlib import Path

import pytest

import architecture_rules as rules
from architecture_rules import Rule, Sources

S = "service/tessera_service"

# One row per rule and way to break it: a small tree in which exactly that is wrong.
BROKEN: list[tuple[Rule, Sources]] = [
    (rules.leaves_import_only_leaves, {f"{S}/models.py": "import tessera_service.engine.tokens"}),
    (rules.leaves_import_only_leaves, {f"{S}/errors.py": "from fastapi import HTTPException"}),
    (rules.leaves_import_only_leaves, {f"{S}/clock.py": "from .storage import base"}),
    (rules.messages_import_nothing_of_ours, {f"{S}/messages/token.py": "from tessera_service.errors import Forbidden"}),
    (rules.messages_import_nothing_of_ours, {f"{S}/messages/token.py": "from ..surfaces import token"}),
    (rules.engine_knows_no_web_and_no_driver, {f"{S}/engine/tokens.py": "import fastapi"}),
    (rules.engine_knows_no_web_and_no_driver, {f"{S}/engine/tokens.py": "from tessera_service.messages import text"}),
    (rules.engine_knows_no_web_and_no_driver, {f"{S}/engine/tokens.py": "from sqlalchemy.ext import asyncio"}),
    (rules.engine_knows_no_web_and_no_driver, {f"{S}/engine/tokens.py": "from tessera_service.storage import sql"}),
    (rules.engine_knows_no_web_and_no_driver, {f"{S}/engine/tokens.py": "from tessera_service import settings"}),
    (rules.engine_knows_no_web_and_no_driver, {f"{S}/engine/tokens.py": "from tessera import _core"}),
    (rules.engine_knows_no_web_and_no_driver, {f"{S}/engine/tokens.py": "def f():\n    import redis"}),
    (rules.engine_knows_no_web_and_no_driver, {f"{S}/engine/tokens.py": "from ..surfaces import token"}),
    (rules.stores_know_only_their_protocols, {f"{S}/storage/memory.py": "from tessera_service.storage.sql import log"}),
    (rules.stores_know_only_their_protocols, {f"{S}/storage/sql/log.py": "import tessera_service.engine"}),
    (rules.stores_know_only_their_protocols, {f"{S}/storage/sql/log.py": "from tessera_service.storage import redis"}),
    (rules.stores_know_only_their_protocols, {f"{S}/storage/sql/log.py": "from ..memory_log import append"}),
    (rules.stores_know_only_their_protocols, {f"{S}/storage/rules.py": "from tessera_service.storage import memory"}),
    (rules.stores_know_only_their_protocols, {f"{S}/storage/__init__.py": "from . import memory"}),
    (rules.stores_know_only_their_protocols, {f"{S}/storage/base.py": "import sqlalchemy"}),
    (
        rules.surfaces_know_only_the_engine,
        {f"{S}/surfaces/token/a.py": "import tessera_service.surfaces.auth.b", f"{S}/surfaces/auth/b.py": ""},
    ),
    (
        rules.surfaces_know_only_the_engine,
        {f"{S}/surfaces/token/a.py": "from ..auth import b", f"{S}/surfaces/auth/b.py": ""},
    ),
    (rules.surfaces_know_only_the_engine, {f"{S}/surfaces/token/a.py": "from tessera_service.storage import sql"}),
    (rules.surfaces_know_only_the_engine, {f"{S}/surfaces/token/a.py": "from tessera_service.storage import base"}),
    (rules.surfaces_know_only_the_engine, {f"{S}/surfaces/token/a.py": "import tessera._core"}),
    (rules.surfaces_know_only_the_engine, {f"{S}/surfaces/request.py": "import sqlalchemy"}),
    (
        rules.surfaces_know_only_the_engine,
        {f"{S}/surfaces/request.py": "from tessera_service.surfaces.auth import b", f"{S}/surfaces/auth/b.py": ""},
    ),
    (rules.http_knows_no_surface_no_engine_and_no_store, {f"{S}/http/edge.py": "import tessera_service.engine.tokens"}),
    (rules.http_knows_no_surface_no_engine_and_no_store, {f"{S}/http/edge.py": "from ..surfaces import token"}),
    (
        rules.http_knows_no_surface_no_engine_and_no_store,
        {f"{S}/http/edge.py": "from tessera_service.storage import a"},
    ),
    (rules.http_knows_no_surface_no_engine_and_no_store, {f"{S}/http/edge.py": "import sqlite3"}),
    (rules.app_alone_composes, {f"{S}/cli.py": "from tessera_service.storage.memory import MemoryStore"}),
    (rules.app_alone_composes, {f"{S}/logs.py": "from tessera_service.app import create_app"}),
    (rules.settings_alone_read_the_environment, {f"{S}/app.py": "import os\nos.environ['A']"}),
    (rules.settings_alone_read_the_environment, {f"{S}/cli.py": "import os\nos.getenv('A')"}),
    (rules.settings_alone_read_the_environment, {f"{S}/cli.py": "from os import environ"}),
    (rules.service_uses_the_facade, {f"{S}/app.py": "from tessera._core import Signer"}),
    (rules.module_tessera_needs_nothing, {"bindings/tessera/jwt.py": "import cryptography"}),
    (rules.module_tessera_needs_nothing, {"bindings/tessera/jwt.py": "import tessera_service"}),
    (rules.public_headers_name_only_ours_and_std, {"cpp/include/tessera/key.h": "#include <openssl/evp.h>\n"}),
    (rules.public_headers_name_only_ours_and_std, {"cpp/include/tessera/key.h": '#include "rs256.h"\n'}),
    (rules.public_headers_name_only_ours_and_std, {"cpp/include/tessera/key.h": "struct EVP_PKEY;\nEVP_PKEY* key();"}),
    (rules.core_knows_no_python_http_or_sql, {"cpp/src/key.cc": "#include <Python.h>\n"}),
    (rules.core_knows_no_python_http_or_sql, {"cpp/src/key.cc": "  #  include <sqlite3.h>\n"}),
    (rules.bindings_see_public_headers_only, {"bindings/module.cc": '#include "rs256.h"\n'}),
    (rules.bindings_see_public_headers_only, {"bindings/module.cc": "#include <openssl/evp.h>\n"}),
    (rules.sources_have_a_header_and_a_test, {"cpp/src/key.cc": ""}),
    (rules.sources_have_a_header_and_a_test, {"cpp/src/key.cc": "", "cpp/include/tessera/key.h": ""}),
    (rules.files_are_short, {"cpp/src/key.cc": "\n" * 501}),
    (rules.files_name_their_licence, {"cpp/src/key.cc": "// Copyright\n"}),
    (rules.files_name_their_licence, {"script/serve": "#!/bin/sh\nset -e\n"}),
    (rules.files_name_their_licence, {"bindings/tessera/__init__.py": ""}),
    (rules.files_have_telling_names, {f"{S}/engine/token_utils.py": ""}),
    (rules.files_have_telling_names, {f"{S}/common/names.py": ""}),
]

# What the same rules have to leave alone.
SOUND: list[tuple[Rule, Sources]] = [
    (rules.leaves_import_only_leaves, {f"{S}/models.py": "import enum\nfrom tessera_service.errors import Refused"}),
    (rules.messages_import_nothing_of_ours, {f"{S}/messages/token.py": "from tessera_service.messages import shared"}),
    (
        rules.engine_knows_no_web_and_no_driver,
        {f"{S}/engine/tokens.py": "import tessera\nfrom tessera_service.storage.base import Store\nfrom . import keys"},
    ),
    (
        rules.stores_know_only_their_protocols,
        {f"{S}/storage/sql/log.py": "import sqlalchemy\nfrom tessera_service.storage.sql import t\nfrom . import a"},
    ),
    (
        rules.stores_know_only_their_protocols,
        {f"{S}/storage/memory.py": "from tessera_service.storage import base, memory_log, rules"},
    ),
    (
        rules.surfaces_know_only_the_engine,
        {
            f"{S}/surfaces/__init__.py": "from tessera_service.surfaces.token import routes",
            f"{S}/surfaces/token/routes.py": "import fastapi\nfrom tessera_service.surfaces.surface import Surface\n"
            "from tessera_service.http.request import StrictRequest\nfrom tessera_service.messages.token import TEXTS",
        },
    ),
    (
        rules.http_knows_no_surface_no_engine_and_no_store,
        {
            f"{S}/http/edge.py": "import starlette\nfrom tessera_service.logs import log\nfrom . import peer\n"
            "from tessera_service.messages import Text"
        },
    ),
    (rules.app_alone_composes, {f"{S}/app.py": "from tessera_service.storage.memory import MemoryStore"}),
    (rules.app_alone_composes, {f"{S}/cli.py": "from tessera_service.app import create_app"}),
    (rules.settings_alone_read_the_environment, {f"{S}/settings.py": "import os\nos.environ['A']"}),
    (rules.service_uses_the_facade, {f"{S}/app.py": "from tessera import Signer"}),
    (rules.module_tessera_needs_nothing, {"bindings/tessera/_script.py": "import json\nimport tessera_service.cli"}),
    (
        rules.public_headers_name_only_ours_and_std,
        {"cpp/include/tessera/key.h": '#include <string>\n#include "tessera/result.h"\n// an EVP_PKEY inside\n'},
    ),
    (
        rules.core_knows_no_python_http_or_sql,
        {"cpp/src/key.cc": '#include "key_text.h"\n#include <openssl/evp.h>\n', "cpp/src/key_text.h": ""},
    ),
    (
        rules.bindings_see_public_headers_only,
        {"bindings/module.cc": '#include "b.h"\n#include <pybind11/pybind11.h>\n', "bindings/b.h": ""},
    ),
    (
        rules.sources_have_a_header_and_a_test,
        {"cpp/src/key.cc": "", "cpp/include/tessera/key.h": "", "tests/cpp/key_test.cc": ""},
    ),
    (rules.files_are_short, {"cpp/src/key.cc": "\n" * 500}),
    (rules.files_name_their_licence, {"script/serve": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"}),
    (rules.files_have_telling_names, {f"{S}/engine/tokens.py": ""}),
]

RULES = list(dict.fromkeys(rule for rule, _ in BROKEN))


def name(value: object) -> str | None:
    return getattr(value, "__name__", None)


@pytest.fixture(scope="module")
def sources(repository: Path) -> Sources:
    return rules.read_sources(repository)


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_the_repository_keeps_the_rule(rule: Rule, sources: Sources) -> None:
    assert rule(sources) == []


@pytest.mark.parametrize(("rule", "tree"), BROKEN, ids=name)
def test_the_rule_catches_what_breaks_it(rule: Rule, tree: Sources) -> None:
    assert len(rule(tree)) >= 1


@pytest.mark.parametrize(("rule", "tree"), SOUND, ids=name)
def test_the_rule_leaves_sound_code_alone(rule: Rule, tree: Sources) -> None:
    assert rule(tree) == []


def test_every_rule_has_a_sound_and_a_broken_example() -> None:
    assert {rule for rule, _ in SOUND} == set(RULES)


def test_the_sources_of_every_house_are_read(sources: Sources) -> None:
    for path in ("cpp/include/tessera/key.h", "bindings/CMakeLists.txt", f"{S}/errors.py", "script/bootstrap"):
        assert path in sources
