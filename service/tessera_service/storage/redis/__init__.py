# SPDX-License-Identifier: Apache-2.0
"""Sessions in Redis 7.0 and later: one server, one behind Sentinel, or a cluster. Each atomic step is a Lua script."""

from tessera_service.storage.redis.sessions import RedisSessionStore

__all__ = ["RedisSessionStore"]
