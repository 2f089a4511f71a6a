#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.purge: successors whose grace was over by `until_ms`. How many went.
local ids = call('ZRANGEBYSCORE', P .. 'due:n', '-inf', int(given.until_ms), 'LIMIT', 0, int(given.limit))
for _, id in ipairs(ids) do
  call('HDEL', P .. 's:' .. id, 'sa', 'sr', 'sk', 'su')
  call('ZREM', P .. 'due:n', id)
end
return #ids
