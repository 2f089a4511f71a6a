# SPDX-License-Identifier: Apache-2.0
"""What the legacy surface says when all is well; what it says otherwise stands in its table of errors."""

from typing import Final

REFRESHED: Final = "The tokens were refreshed."
LOGGED_OUT: Final = "The session was ended."
