# SPDX-License-Identifier: Apache-2.0
import inspect
import pickle
import subprocess
import sys
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import pytest

import tessera
from tessera import _core

CLASSES = [member for name, member in vars(tessera).items() if inspect.isclass(member)]
COMPILED = [kind for kind in CLASSES if not issubclass(kind, BaseException)]
EXCEPTIONS = [kind for kind in CLASSES if issubclass(kind, BaseException)]


def test_both_halves_and_the_package_have_one_version(repository: Path) -> None:
    written = (repository / "VERSION").read_text(encoding="utf-8").strip()
    assert tessera.__version__ == _core.__version__ == metadata.version("tessera") == written


def test_the_facade_shows_all_of_the_core_and_nothing_else() -> None:
    public = {name for name in vars(_core) if not name.startswith("_")}
    assert set(tessera.__all__) - {"__version__"} == public
    assert sorted(tessera.__all__, key=str) == tessera.__all__
    assert all(hasattr(tessera, name) for name in tessera.__all__)


def test_types_are_shipped() -> None:
    package = resources.files("tessera")
    assert package.joinpath("py.typed").is_file()
    assert package.joinpath("_core.pyi").is_file()


def test_the_module_needs_no_other_package() -> None:
    program = (
        "import tessera, tessera.jwt, tessera.__main__\n"
        "known = {*sys.stdlib_module_names, 'tessera', 'pybind11_builtins'}\n"
        "outside = {name.split('.')[0] for name in sys.modules} - known\n"
        "print(sorted(n for n in outside if not n.startswith('_')))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _with_path(program)], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def _with_path(program: str) -> str:
    """-S leaves out site-packages and what its .pth files import; tessera alone is brought back."""
    return f"import sys; sys.path.append({str(Path(tessera.__file__).parent.parent)!r})\n{program}"


@pytest.mark.parametrize("kind", COMPILED, ids=lambda kind: kind.__name__)
def test_each_class_says_how_threads_share_it(kind: type) -> None:
    assert "thread" in str(kind.__doc__).lower()
    assert kind.__module__ == "tessera"


@pytest.mark.parametrize("kind", COMPILED, ids=lambda kind: kind.__name__)
def test_each_class_is_final(kind: type) -> None:
    with pytest.raises(TypeError):
        type("Derived", (kind,), {})


@pytest.mark.parametrize("kind", COMPILED, ids=lambda kind: kind.__name__)
def test_each_method_has_a_signature_and_a_text(kind: type) -> None:
    for name, member in vars(kind).items():
        if name.startswith("_") and name != "__init__":
            continue
        assert getattr(member, "__doc__", None), f"{kind.__name__}.{name}"
        if not isinstance(member, property):
            parameters = inspect.signature(getattr(kind, name)).parameters
            named = [p for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]
            assert len(named) <= 2 or name in {"put"}, f"{kind.__name__}.{name}"


def test_help_shows_options_with_their_units() -> None:
    assert str(inspect.signature(tessera.Verifier.verify)) == "(self, token, *, now=None)"
    assert "leeway_seconds=0" in str(inspect.signature(tessera.Policy.__init__))
    assert "seconds since 1970" in str(tessera.Verifier.verify.__doc__)


@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: kind.__name__)
def test_each_exception_has_a_code_and_survives_pickling(kind: Any) -> None:
    error = kind("text")
    error.code = "changed"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.code) == (kind, "text", "changed")
    assert isinstance(kind.code, str)
    assert issubclass(kind, tessera.Error)


def test_the_tree_of_exceptions_is_as_documented() -> None:
    assert issubclass(tessera.ExpiredTokenError, tessera.TokenError)
    assert issubclass(tessera.RevokedTokenError, tessera.TokenError)
    for kind in (tessera.JsonError, tessera.InvalidKeyError, tessera.LimitError):
        assert issubclass(kind, ValueError)
    assert not issubclass(tessera.TokenError, ValueError)


def test_a_readme_example_signs_verifies_and_revokes() -> None:
    example = """
import tessera, time
key = tessera.PrivateKey.generate()
now = int(time.time())
token = tessera.Signer(key).sign({"iss": "me", "aud": "api", "sub": "alice", "jti": "1", "iat": now, "exp": now + 900})
revoked = tessera.RevocationSet()
verifier = tessera.Verifier(key.public_key, tessera.Policy(issuer="me", audience="api"), revocations=revoked)
print(verifier.verify(token)["sub"])
revoked.revoke_jti("1", expires_at=now + 1000)
verifier.verify(token)
"""
    assert len(example.strip().splitlines()) <= 10
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=60)
    assert done.stdout == "alice\n"
    assert done.stderr.strip().splitlines()[-1] == "tessera.RevokedTokenError: The token is revoked."
