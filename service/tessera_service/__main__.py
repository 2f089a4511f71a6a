# SPDX-License-Identifier: Apache-2.0
"""`python -m tessera_service` is `tessera`, for where scripts are not on the path."""

import gc

if __name__ == "__main__":
    gc.disable()  # what is imported stays: looking for garbage in it takes as long as importing it
    from tessera_service.cli import main

    gc.enable()
    main()
