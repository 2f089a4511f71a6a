#!lua
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.revoke_others: {active before, ended sessions}.
local why, who = given.why, who_of(given.tenant, given.subject)
local live = P .. 'a:' .. who
local active = call('ZCOUNT', live, '(' .. int(math.floor(why.at / 1000) * 1000), '+inf')
local ids, leaving, ended = call('ZRANGEBYSCORE', live, '(' .. int(given.alive_since_ms), '+inf'), {}, {}
table.sort(ids)
for _, id in ipairs(ids) do
  if id ~= given.keep then
    leaving[#leaving + 1] = find(id)
  end
end
finish(leaving, why)
for i, s in ipairs(leaving) do
  ended[i] = whole(s.id, 0)
end
return {active, ended}
