#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- RevocationLog.purge_log: how many entries went.
local newest, gone = tonumber(call('HGET', META, 'head')), 0
-- One more than wanted, for the newest stays.
local due = call('ZRANGEBYSCORE', P .. 'due:log', '-inf', int(given.now), 'LIMIT', 0, int(given.limit + 1))
for _, name in ipairs(due) do
  local sequence = tonumber(name)
  if sequence ~= newest and gone < given.limit then
    local id = int(sequence)
    local found = call('XRANGE', P .. 'log', id, id)[1]
    if found then
      local entry = found[2]  -- k, kind, t, tenant, y, key, ...
      call('XDEL', P .. 'log', found[1])
      if entry[2] == 'jti' then
        call('DEL', P .. 'j:' .. entry[6])
      elseif entry[2] == 'subject' then
        local who = who_of(entry[4], entry[6])
        call('HINCRBY', P .. 'c:' .. who, 'n', -1)
        forget(who)
      end
    end
    call('ZREM', P .. 'due:log', name)
    gone = gone + 1
  end
end
return gone
