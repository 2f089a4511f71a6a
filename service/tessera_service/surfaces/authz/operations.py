# SPDX-License-Identifier: Apache-2.0
"""The paths of the authz surface."""

from typing import Final

BASE: Final = "/v1/authz"
WITH_POLICY: Final = f"{BASE}/{{policy}}"
METHODS: Final = ("GET", "POST")
