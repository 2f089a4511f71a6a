#!lua
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.touch, of the sessions of one partition: {{id, ms}, ...}.
for _, activity in ipairs(given.activities) do
  local s, at = find(activity[1]), activity[2]
  if s and at > s.active and is_active(s, cutoff_of(s.who), math.floor(at / 1000)) then
    call('HSET', P .. 's:' .. s.id, 'a', int(at))
  end
end
return 1
