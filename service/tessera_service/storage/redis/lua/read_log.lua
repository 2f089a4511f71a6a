#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- RevocationLog.read_log: {log id, head, entries}. What a server had and lost with its process or its place is another
-- log, though the numbers go on: so the id names the life of the server too. And a server that was told to evict since
-- it was opened may have lost any of it: no process may answer from such a log.
local info = call('INFO', 'server', 'memory', 'replication')
if not is_master(info) then
  return redis.error_reply(DEMOTED)
elseif string.match(info, 'maxmemory_policy:([%w-]+)') ~= 'noeviction' then
  return redis.error_reply('EVICTING maxmemory-policy has to be noeviction')
end
local is = call('HMGET', META, 'log', 'head')
local last = given['until'] and int(given['until']) or '+'
local entries = call('XRANGE', P .. 'log', int(given.after), last, 'COUNT', int(given.limit))
return {is[1] .. '.' .. string.match(info, 'run_id:(%x+)'), is[2], entries}
