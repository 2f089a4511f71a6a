# SPDX-License-Identifier: Apache-2.0
"""The rules of ARCHITECTURE.md as functions: from sources (path below the root -> text) to what is wrong, in words."""

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

Sources = Mapping[str, str]
Rule = Callable[[Sources], list[str]]

SERVICE = "tessera_service"
LEAVES = tuple(f"{SERVICE}.{leaf}" for leaf in ("models", "errors", "clock"))
MESSAGES = f"{SERVICE}.messages"  # texts for people: a leaf that only surfaces, and http below them, may import
STORES = f"{SERVICE}.storage"
PROTOCOLS = f"{SERVICE}.storage.base"
STORE_RULES = f"{SERVICE}.storage.rules"  # what happens to a session, as plain functions that every store asks
ENGINE = f"{SERVICE}.engine"
SURFACES = f"{SERVICE}.surfaces"
HTTP = f"{SERVICE}.http"
WATCHING = (f"{SERVICE}.logs", f"{SERVICE}.metrics")
WEB = ("fastapi", "starlette", "uvicorn", "httptools", "uvloop")
DRIVERS = ("sqlalchemy", "aiosqlite", "sqlite3", "alembic", "redis", "psycopg")
# Who starts things: the one that composes, and the command line in front of it.
ROOTS = ("app", "cli")

MAX_LINES = 500
CODE_SUFFIXES = {".py", ".pyi", ".cc", ".h", ".lua", ".cmake", ".sh"}
HOUSES = ("cpp", "bindings", "service", "tests", "benchmarks", "script", "cmake", "examples", "docs", ".ci")
VAGUE = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "epoch"}
POSIX_HEADERS = {
    *("fcntl.h", "immintrin.h", "stdlib.h", "time.h", "unistd.h"),
    *("sys/mman.h", "sys/random.h", "sys/stat.h", "sys/types.h"),
}


def read_sources(root: Path) -> dict[str, str]:
    """Every text file of ours below the root."""
    files = (path for house in HOUSES for path in sorted((root / house).rglob("*")) if path.is_file())
    wanted = (path for path in files if is_code(path.relative_to(root).as_posix()) and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in wanted}


def is_code(path: str) -> bool:
    name = PurePosixPath(path)
    return name.suffix in CODE_SUFFIXES or name.name == "CMakeLists.txt" or name.parts[0] in {"script", ".ci"}


# Python


def module_of(path: str) -> str:
    """service/tessera_service/engine/__init__.py -> tessera_service.engine; empty outside of the two packages."""
    parts = PurePosixPath(path).with_suffix("").parts
    if parts[:2] not in {("service", SERVICE), ("bindings", "tessera")} or not path.endswith(".py"):
        return ""
    return ".".join(parts[1:-1] if parts[-1] == "__init__" else parts[1:])


def is_within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def imports_of(path: str, text: str) -> Iterator[tuple[int, str]]:
    """(line, full dotted name) of everything imported, wherever in the file, `from a import b` as `a.b`."""
    package = module_of(path).split(".")
    if not path.endswith("__init__.py"):
        package = package[:-1]
    for node in ast.walk(ast.parse(text, filename=path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def refuse_imports(sources: Sources, *, of: str, unless: Callable[[str, str], bool], why: str) -> list[str]:
    """Sentences for the imports of modules within `of` for which `unless(module, imported)` is false."""
    return [
        f"{path}:{line}: {imported}: {why}"
        for path, text in sources.items()
        if is_within(module_of(path), of)
        for line, imported in imports_of(path, text)
        if not unless(module_of(path), imported)
    ]


def leaves_import_only_leaves(sources: Sources) -> list[str]:
    def allowed(_: str, imported: str) -> bool:
        return is_within(imported, *LEAVES) or not is_within(imported, SERVICE, "tessera", *WEB, *DRIVERS)

    return [
        sentence
        for leaf in LEAVES
        for sentence in refuse_imports(sources, of=leaf, unless=allowed, why="models, errors and clock are leaves")
    ]


def messages_import_nothing_of_ours(sources: Sources) -> list[str]:
    def allowed(_: str, imported: str) -> bool:
        return is_within(imported, MESSAGES) or not is_within(imported, SERVICE, "tessera", *WEB, *DRIVERS)

    return refuse_imports(sources, of=MESSAGES, unless=allowed, why="the table of texts is a leaf")


def engine_knows_no_web_and_no_driver(sources: Sources) -> list[str]:
    def allowed(_: str, imported: str) -> bool:
        if is_within(imported, SERVICE):
            return is_within(imported, ENGINE, PROTOCOLS, *LEAVES)
        return not is_within(imported, "tessera._core", *WEB, *DRIVERS)

    return refuse_imports(
        sources, of=ENGINE, unless=allowed, why="the engine imports tessera, storage.base and the leaves"
    )


def store_of(module: str) -> str:
    """tessera_service.storage.sql.sessions -> sql; tessera_service.storage.memory_log -> memory"""
    names = module.split(".")
    return names[2].split("_")[0] if is_within(module, STORES) and len(names) > 2 else ""


def stores_know_only_their_protocols(sources: Sources) -> list[str]:
    def allowed(module: str, imported: str) -> bool:
        if is_within(imported, SERVICE):
            is_own = bool(store_of(module)) and store_of(imported) == store_of(module)
            return is_own or is_within(imported, PROTOCOLS, STORE_RULES, *LEAVES)
        drivers = DRIVERS if is_within(module, PROTOCOLS, STORE_RULES) else ()
        return not is_within(imported, "tessera", *WEB, *drivers)

    return refuse_imports(sources, of=STORES, unless=allowed, why="a store imports storage.base, the leaves and itself")


def surfaces_know_only_the_engine(sources: Sources) -> list[str]:
    folders = {
        PurePosixPath(path).parts[3]
        for path in sources
        if path.startswith(f"service/{SERVICE}/surfaces/") and len(PurePosixPath(path).parts) > 4
    }

    def allowed(module: str, imported: str) -> bool:
        if not is_within(imported, SERVICE):
            return not is_within(imported, "tessera._core", *DRIVERS)
        if not is_within(imported, SURFACES):
            return is_within(imported, ENGINE, HTTP, MESSAGES, *WATCHING, *LEAVES)
        others = {f"{SURFACES}.{folder}" for folder in folders} - {".".join(module.split(".")[:3])}
        # The package itself holds the table SURFACES, which names them all.
        return module == SURFACES or not is_within(imported, *others)

    return refuse_imports(
        sources,
        of=SURFACES,
        unless=allowed,
        why="a surface imports the engine, tessera and the leaves, no other surface",
    )


def http_knows_no_surface_no_engine_and_no_store(sources: Sources) -> list[str]:
    def allowed(_: str, imported: str) -> bool:
        if is_within(imported, SERVICE):
            return is_within(imported, HTTP, MESSAGES, *WATCHING, *LEAVES)
        return not is_within(imported, "tessera._core", *DRIVERS)

    return refuse_imports(sources, of=HTTP, unless=allowed, why="what every surface needs of HTTP stands below them")


def app_alone_composes(sources: Sources) -> list[str]:
    def allowed(module: str, imported: str) -> bool:
        if is_within(module, f"{SERVICE}.app", STORES):
            return True
        if is_within(imported, f"{SERVICE}.app"):
            return is_within(module, *(f"{SERVICE}.{root}" for root in ROOTS))
        return not is_within(imported, STORES) or is_within(imported, PROTOCOLS)

    return refuse_imports(sources, of=SERVICE, unless=allowed, why="app.py alone composes")


def settings_alone_read_the_environment(sources: Sources) -> list[str]:
    return [
        f"{path}: {ast.unparse(node)}: settings.py alone reads the environment"
        for path, text in sources.items()
        if is_within(module_of(path), SERVICE) and not is_within(module_of(path), f"{SERVICE}.settings")
        for node in ast.walk(ast.parse(text, filename=path))
        if names_environment(node)
    ]


def names_environment(node: ast.AST) -> bool:
    names = {"environ", "environb", "getenv", "getenvb"}
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == "os" and node.attr in names
    return isinstance(node, ast.ImportFrom) and node.module == "os" and any(n.name in names for n in node.names)


def service_uses_the_facade(sources: Sources) -> list[str]:
    def allowed(_: str, imported: str) -> bool:
        return not is_within(imported, "tessera._core")

    return refuse_imports(sources, of=SERVICE, unless=allowed, why="the service imports tessera, not its compiled core")


def module_tessera_needs_nothing(sources: Sources) -> list[str]:
    """`pip install .` brings no dependency. The script alone looks for the service: to start it or name the extra."""

    def allowed(module: str, imported: str) -> bool:
        if is_within(imported, SERVICE):
            return module == "tessera._script"
        return imported.split(".")[0] in sys.stdlib_module_names or is_within(imported, "tessera")

    return refuse_imports(sources, of="tessera", unless=allowed, why="the module stands on the standard library alone")


# C++


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>]+)>|"([^"]+)")', re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
OPENSSL_NAME = re.compile(r"\b(?:EVP_\w+|OSSL_\w+|BIGNUM|BIO|BN_\w+|X509\w*|RSA_\w+|OPENSSL_\w+|ENGINE)\b")


def includes_of(text: str) -> Iterator[tuple[str, bool]]:
    """(name, is it the standard library's) of every #include."""
    for system, own in INCLUDE.findall(text):
        name = system or own
        yield name, bool(system) and "/" not in name and "." not in name


def public_headers_name_only_ours_and_std(sources: Sources) -> list[str]:
    headers = {path: text for path, text in sources.items() if path.startswith("cpp/include/")}
    wrong = [
        f"{path}: #include {name}: a public header includes tessera/ and the standard library"
        for path, text in headers.items()
        for name, is_std in includes_of(text)
        if not is_std and not name.startswith("tessera/")
    ]
    named = [
        f"{path}: {name}: a public header names no OpenSSL type"
        for path, text in headers.items()
        for name in OPENSSL_NAME.findall(COMMENT.sub("", text))
    ]
    return wrong + named


def core_knows_no_python_http_or_sql(sources: Sources) -> list[str]:
    private = {PurePosixPath(path).name for path in sources if path.startswith("cpp/src/")}

    def allowed(name: str) -> bool:
        return name.startswith(("tessera/", "openssl/")) or name in private | POSIX_HEADERS

    return [
        f"{path}: #include {name}: the core stands on the standard library, POSIX and OpenSSL"
        for path, text in sources.items()
        if path.startswith("cpp/src/")
        for name, is_std in includes_of(text)
        if not is_std and not allowed(name)
    ]


def bindings_see_public_headers_only(sources: Sources) -> list[str]:
    own = {PurePosixPath(path).name for path in sources if path.startswith("bindings/")}
    return [
        f"{path}: #include {name}: bindings include tessera/, pybind11/ and their own headers"
        for path, text in sources.items()
        if path.startswith("bindings/") and path.endswith((".cc", ".h"))
        for name, is_std in includes_of(text)
        if not is_std and not name.startswith(("tessera/", "pybind11/")) and name not in own
    ]


def sources_have_a_header_and_a_test(sources: Sources) -> list[str]:
    """Of one stem: every .cc of the core a header, every public one also a test."""
    wrong = []
    for path in sources:
        if not (path.startswith("cpp/src/") and path.endswith(".cc")):
            continue
        stem = PurePosixPath(path).stem
        is_public = f"cpp/include/tessera/{stem}.h" in sources
        if not is_public and f"cpp/src/{stem}.h" not in sources:
            wrong.append(f"{path}: no header {stem}.h")
        if is_public and f"tests/cpp/{stem}_test.cc" not in sources:
            wrong.append(f"{path}: no tests/cpp/{stem}_test.cc")
    return wrong


# Every file


def files_are_short(sources: Sources) -> list[str]:
    lengths = {path: text.count("\n") for path, text in sources.items()}
    return [f"{path}: {lines} lines, more than {MAX_LINES}" for path, lines in lengths.items() if lines > MAX_LINES]


def files_name_their_licence(sources: Sources) -> list[str]:
    """In the first line, or in the second below #!."""
    wrong = []
    for path, text in sources.items():
        lines = text.splitlines()[:2]
        first = lines[1:] if lines and lines[0].startswith("#!") else lines[:1]
        if not first or "SPDX-License-Identifier: Apache-2.0" not in first[0]:
            wrong.append(f"{path}: no SPDX line on top")
    return wrong


def files_have_telling_names(sources: Sources) -> list[str]:
    return [
        f"{path}: {word} says nothing"
        for path in sources
        for part in PurePosixPath(path).parts
        for word in re.split(r"[._-]", part.lower())
        if word in VAGUE
    ]
