# SPDX-License-Identifier: Apache-2.0
"""The command `tessera`: the core's own commands, and the service's where the service is installed."""

import gc
import sys
from collections.abc import Callable

from tessera import __main__ as core

_CORE_COMMANDS = ("keygen", "sign", "verify", "jwks", "--version")
_HELP = ("--help", "-h")


def main() -> int:
    """Exit status 2 when a command of the service is asked for and the service is not there."""
    argument = sys.argv[1] if len(sys.argv) > 1 else ""
    if argument in _CORE_COMMANDS:
        return core.main(program="tessera")
    service = _find_service()
    if service is not None:
        service()
        return 0
    if argument in _HELP:
        return core.main(program="tessera")
    print("tessera: the service is not installed: pip install 'tessera[service]'", file=sys.stderr)
    print("tessera: without it there are: tessera keygen|sign|verify|jwks|--version", file=sys.stderr)
    return 2


def _find_service() -> Callable[[], object] | None:
    """None when the service, or a package that only its extra brings, is missing."""
    gc.disable()  # what is imported stays: looking for garbage in it takes as long as importing it
    try:
        from tessera_service.cli import main as service
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(("tessera.", "tessera_service.")):
            raise  # not the extra is missing but a part of ours
        return None
    finally:
        gc.enable()
    return service


if __name__ == "__main__":
    sys.exit(main())
