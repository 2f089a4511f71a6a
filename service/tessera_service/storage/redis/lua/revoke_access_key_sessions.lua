#!lua
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.revoke_access_key_sessions, in one partition: the ended sessions.
local live, leaving, ended = P .. 'k:' .. given.key, {}, {}
local ids = call('ZRANGEBYSCORE', live, '(' .. int(given.alive_since_ms), '+inf', 'LIMIT', 0, int(given.limit))
table.sort(ids)
for _, id in ipairs(ids) do
  local s = find(id)
  if may_end(s, cutoff_of(s.who)) then
    leaving[#leaving + 1] = s
  else
    settle_one(s)
  end
end
finish(leaving, given.why)
for i, id in ipairs(ids) do
  ended[i] = whole(id, 0)
end
return ended
