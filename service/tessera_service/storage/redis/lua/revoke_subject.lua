#!lua
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.revoke_subject: {cut-off, how many active sessions it ended, what is left to `settle`: nothing, "more", or
-- what was left "before": then nothing was done}. There may be very many: of more than are written at once the cut-off
-- alone ends all in this step, and no other command waits for what is written of each.
local why, who = given.why, who_of(given.tenant, given.subject)
local cutoff, live = cutoff_of(who), P .. 'a:' .. who
if call('HEXISTS', P .. 'endings', who) == 1 then
  return {int(cutoff), 0, 'before'}
elseif call('EXISTS', live) == 0 then
  return {int(cutoff), 0, false}
end
local newest = call('ZREVRANGE', P .. 'l:' .. who, 0, 0, 'WITHSCORES')
local raised = math.max(cutoff, tonumber(newest[2]), why.at)
local active = call('ZCOUNT', live, '(' .. int(math.floor(why.at / 1000) * 1000), '+inf')

local many = call('ZCARD', live)
local standing = many <= given.at_once and first_of(live, '-inf', given.at_once) or {}
local are_all = #standing == many
local alive = are_all and alive_of(standing, given.alive_since_ms) or {}
tell_ends(alive, why)
log('subject', given.tenant, given.subject, raised, why['until'])
call('HSET', P .. 'c:' .. who, 'ms', int(raised))
call('HINCRBY', P .. 'c:' .. who, 'n', 1)
if are_all then
  stop(standing)
  write_ends(alive, why)
else
  call('RENAME', live, P .. 'x:' .. who)
  call('HSET', P .. 'endings', who, ARGV[3])
end
return {int(raised), active, not are_all and 'more'}
