#!lua
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.revoke_subject: {cut-off, how many active sessions it ended}. There may be very many.
local why, who = given.why, who_of(given.tenant, given.subject)
local cutoff, live = cutoff_of(who), P .. 'a:' .. who
if call('EXISTS', live) == 0 then
  return {int(cutoff), 0}
end
local newest = call('ZREVRANGE', P .. 'l:' .. who, 0, 0, 'WITHSCORES')
local raised = math.max(cutoff, tonumber(newest[2]), why.at)
local active = call('ZCOUNT', live, '(' .. int(math.floor(why.at / 1000) * 1000), '+inf')

local standing, leaving = {}, {}
local ends = call('ZRANGE', live, 0, -1, 'WITHSCORES')
for i = 1, #ends, 2 do
  local s = find(ends[i])
  standing[#standing + 1] = s
  if tonumber(ends[i + 1]) > given.alive_since_ms then
    leaving[#leaving + 1] = s
  end
end
table.sort(leaving, function(one, other)
  if one.created ~= other.created then
    return one.created < other.created
  end
  return one.id < other.id
end)
tell_ends(leaving, why)
log('subject', given.tenant, given.subject, raised, why['until'])
call('HSET', P .. 'c:' .. who, 'ms', int(raised))
call('HINCRBY', P .. 'c:' .. who, 'n', 1)
stop(standing)
write_ends(leaving, why)
return {int(raised), active}
