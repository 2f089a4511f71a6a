# SPDX-License-Identifier: Apache-2.0
"""What a session may do: the one engine behind every surface."""
