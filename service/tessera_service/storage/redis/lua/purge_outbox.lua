#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Outbox.purge_outbox: how many events went.
local due = call('ZRANGEBYSCORE', P .. 'due:out', '-inf', '(' .. int(given.before_ms), 'LIMIT', 0, int(given.limit))
for _, name in ipairs(due) do
  local id = int(tonumber(name))
  local found = call('XRANGE', P .. 'out', id, id)[1]
  if found then
    local event = found[2]  -- i, id, y, type, t, tenant, u, subject, ...
    call('XDEL', P .. 'out', found[1])
    if call('HDEL', P .. 'where', id) == 1 then
      call('ZREM', P .. 'p:' .. who_of(event[6], event[8]), id)
    end
  end
  call('ZREM', P .. 'due:out', name)
end
return #due
