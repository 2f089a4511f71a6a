#!lua
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.revoke_access_key_sessions, in one partition: the ended sessions.
local live, leaving, ended = P .. 'k:' .. given.key, {}, {}
local ids = call('ZRANGEBYSCORE', live, '(' .. int(given.alive_since_ms), '+inf', 'LIMIT', 0, int(given.limit))
table.sort(ids)
for i, id in ipairs(ids) do
  leaving[i] = find(id)
end
finish(leaving, given.why)
for i, s in ipairs(leaving) do
  ended[i] = whole(s.id, 0)
end
return ended
