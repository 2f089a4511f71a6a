#!lua
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.revoke_session: the session as it is afterwards, or nothing.
local s = find(given.id)
if not s then
  return false
end
local cutoff = cutoff_of(s.who)
if may_end(s, cutoff) then
  finish({s}, given.why)
else
  settle_one(s)
end
return whole(s.id, cutoff)
