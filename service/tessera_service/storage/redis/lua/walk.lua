#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.walk_unended, in one partition: {sessions, id and creation of the last that was looked at, if more follow}.
local timeline, at, met = P .. 'i:' .. given.tenant, 0, {}
if given.after then
  local created, id = given.after[1], given.after[2]
  local last = call('ZREVRANK', timeline, id)
  -- One that is gone: from the first that was born in the same millisecond on, once more.
  at = last and last + 1 or call('ZCOUNT', timeline, '(' .. int(created), '+inf')
end
local looked_at = call('ZREVRANGE', timeline, at, at + given.limit - 1, 'WITHSCORES')
for i = 1, #looked_at, 2 do
  local s = find(looked_at[i])
  local cutoff = cutoff_of(s.who)
  if may_end(s, cutoff) then
    met[#met + 1] = whole(s.id, cutoff)
  end
end
local count = #looked_at
return {met, count == 2 * given.limit and {looked_at[count - 1], looked_at[count]} or false}
