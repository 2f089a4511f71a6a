# SPDX-License-Identifier: Apache-2.0
"""The tessera service: HTTP surfaces over one session engine."""
