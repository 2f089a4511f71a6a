# SPDX-License-Identifier: Apache-2.0
"""The command `tessera`: the service's command line where the service is installed, else the core's."""

import sys
from importlib.util import find_spec

from tessera import __main__ as core

# What `tessera_service` needs and only the extra brings: one of them missing means that the extra is missing.
_EXTRA = ("typer", "fastapi", "sqlalchemy", "uvicorn")
_COMMANDS = ("keygen", "sign", "verify", "jwks", "--version", "--help", "-h")


def main() -> int:
    """Exit status 2 when a command of the service is asked for and the service is not there."""
    if all(find_spec(name) is not None for name in ("tessera_service", *_EXTRA)):
        from tessera_service.cli import main as serve

        serve()
        return 0
    if sys.argv[1:] and sys.argv[1] in _COMMANDS:
        return core.main(program="tessera")
    print("tessera: the service is not installed: pip install 'tessera[service]'", file=sys.stderr)
    print("tessera: without it there are: tessera keygen|sign|verify|jwks|--version", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
