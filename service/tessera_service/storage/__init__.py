# SPDX-License-Identifier: Apache-2.0
"""Stores behind the Protocols of `base`."""
