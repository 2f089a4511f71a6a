# SPDX-License-Identifier: Apache-2.0
"""`python -m tessera_service` is `tessera`, for where scripts are not on the path."""

from tessera_service.cli import main

if __name__ == "__main__":
    main()
