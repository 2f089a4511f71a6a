# SPDX-License-Identifier: Apache-2.0
"""What every surface needs of HTTP: plain ASGI parts that know no surface, no engine and no store."""
