#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Outbox.erase_events: how many events changed.
local own = P .. 'p:' .. who_of(given.tenant, given.subject)
local chosen = call('ZRANGE', own, 0, given.limit - 1)
for _, sequence in ipairs(chosen) do
  call('HDEL', P .. 'where', sequence)
  call('ZREM', own, sequence)
end
return #chosen
