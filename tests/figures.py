# SPDX-License-Identifier: Apache-2.0
"""What tests count, for the table at the end of a run."""

from collections.abc import Callable
from typing import Final

FIGURES: Final = "figures"  # the property of a test's report

Tell = Callable[[str], None]
