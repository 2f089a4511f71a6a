# SPDX-License-Identifier: Apache-2.0
"""From an application to processes that serve it: the socket, the protocol's limits, draining, workers."""
