#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- What revoke_subject left to be written, of that subject or of any: {of how many sessions it was written, whether more is
-- left}. Nothing is refused for want of memory: those sessions have been ended.
local endings = P .. 'endings'
local who = given.subject and who_of(given.tenant, given.subject) or call('HRANDFIELD', endings)
local standing = {}
if who and call('HEXISTS', endings, who) == 1 then
  standing = first_of(P .. 'x:' .. who, '-inf', given.at_once)
  settle(who, standing)
end
return {#standing, given.subject and call('HEXISTS', endings, who) or call('EXISTS', endings)}
