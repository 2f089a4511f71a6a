#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.purge: sessions that were over by `until_ms`. How many went.
local ids = call('ZRANGEBYSCORE', P .. 'due:s', '-inf', int(given.until_ms), 'LIMIT', 0, int(given.limit))
for _, id in ipairs(ids) do
  local s = find(id)
  local where_made = P .. 'w:' .. made(s)
  if call('ZREM', P .. 'v:' .. made(s), id) == 0 and call('DECR', where_made) == 0 then
    call('DEL', where_made)
  end
  for _, kind in ipairs({'a:', 'l:', 'q:', 'x:'}) do
    call('ZREM', P .. kind .. s.who, id)
  end
  call('ZREM', made_by(s), id)
  call('SREM', P .. 'e:' .. s.who, id)
  call('ZREM', P .. 'i:' .. s.tenant, id)
  if s.key then
    call('ZREM', P .. 'k:' .. s.key, id)
  end
  call('ZREM', P .. 'due:s', id)
  call('ZREM', P .. 'due:n', id)
  call('DEL', P .. 's:' .. id, P .. 'y:' .. id)
  forget(s.who)
end
return #ids
