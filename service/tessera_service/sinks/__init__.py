# SPDX-License-Identifier: Apache-2.0
"""Where events go: the audit log, a Redis stream, a webhook. One driver each; `engine.relay` does the rest."""
