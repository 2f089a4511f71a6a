#!lua
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.revoke_token: 1, or 0 if the log names its jti already.
local token, why, event = given.token, given.why, given.event
if call('EXISTS', P .. 'j:' .. token.jti) == 1 then
  return 0
end
local s = find(token.session) or {}
tell(event.id, event.type, token.tenant, token.session, token.subject, why.at, event.data, s.device, s.where)
log('jti', token.tenant, token.jti, 0, why['until'])
call('SET', P .. 'j:' .. token.jti, int(head))
mark(token.jti, token.expires)
return 1
