#!lua
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.revoke_others, some of them: {active before, ended sessions, whether there are more}, or nothing if there is
-- something to `settle` before.
local why, who = given.why, who_of(given.tenant, given.subject)
local live, since, ended = P .. 'a:' .. who, '(' .. int(given.alive_since_ms), {}
if call('HEXISTS', P .. 'endings', who) == 1 then
  return false
end
local active = call('ZCOUNT', live, '(' .. int(math.floor(why.at / 1000) * 1000), '+inf')
local leaving = first_of(live, since, given.at_once, given.keep)
table.sort(leaving, function(one, other)
  return one.id < other.id
end)
finish(leaving, why)
for i, s in ipairs(leaving) do
  ended[i] = whole(s.id, 0)
end
local kept = call('ZSCORE', live, given.keep)
local is_kept = kept and tonumber(kept) > given.alive_since_ms
return {active, ended, call('ZCOUNT', live, since, '+inf') > (is_kept and 1 or 0)}
