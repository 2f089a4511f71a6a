#!lua
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.create. Returns the cut-off under which the session was born, or nothing if an id is not new.
local s, tokens, event = given.session, given.tokens, given.event
if call('EXISTS', P .. 's:' .. s.id) == 1 or not are_new(tokens) then
  return false
end
local cutoff = cutoff_of(who_of(s.tenant, s.subject))
add(s, cutoff)
tell(event.id, event.type, s.tenant, s.id, s.subject, s.created, event.data, nil, event.personal)
store_new(s, tokens)
return int(cutoff)
