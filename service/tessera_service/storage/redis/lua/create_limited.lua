#!lua
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.create_limited. Returns {cut-off, evicted sessions}, "full", or nothing if an id is not new.
local s, tokens, event, limit, why = given.session, given.tokens, given.event, given.limit, given.why
if call('EXISTS', P .. 's:' .. s.id) == 1 or not are_new(tokens) then
  return false
end
local who = who_of(s.tenant, s.subject)
local cutoff, counted = cutoff_of(who), active_of(who, limit.surface, limit.now)
local too_many = math.max(#counted + 1 - limit.max, 0)
if too_many > 0 and limit.rejects then
  return 'full'
end
table.sort(counted, function(one, other)
  if one.active ~= other.active then
    return one.active < other.active
  end
  return one.id < other.id
end)
local leaving = {}
for i = 1, too_many do
  leaving[i] = counted[i]
end
add(s, cutoff)
tell(event.id, event.type, s.tenant, s.id, s.subject, s.created, event.data, nil, event.personal)
tell_ends(leaving, why)
finish(leaving, why, true)
store_new(s, tokens)
local evicted = {}
for i, other in ipairs(leaving) do
  evicted[i] = whole(other.id, cutoff)
end
return {int(cutoff), evicted}
