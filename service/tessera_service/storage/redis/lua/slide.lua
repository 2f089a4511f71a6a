#!lua
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.slide. ARGV[4]: the payload of the next token. Returns {status, session or nothing}.
local s = find(given.id)
if not s then
  return {'not_found', false}
end
local cutoff, key, jti = cutoff_of(s.who), P .. 's:' .. s.id, given.presented
if not may_end(s, cutoff) or call('EXISTS', P .. 'j:' .. jti) == 1 then
  return {'ended', whole(s.id, cutoff)}
elseif given.now >= math.min(s.expires, s.ends) then
  return {'expired', whole(s.id, cutoff)}
end
local newest, presented = call('HGET', key, 'nj'), call('GET', P .. 't:' .. jti)
presented = presented and cjson.decode(presented)  -- session, tenant, subject, kind, expires
if not newest or not presented or presented[1] ~= s.id or presented[5] <= given.now then
  return {'not_found', whole(s.id, cutoff)}
elseif jti ~= newest then
  return {'replayed', whole(s.id, cutoff)}
elseif not are_new(given.tokens) then
  return {'taken', false}
end
local new = given.newest
call('HSET', key, 'nj', new.jti, 'nx', int(new.expires), 'np', ARGV[4], 'nk', new.kid)
move_on(s, given.expires, given.tokens, given.now)
return {'slid', whole(s.id, cutoff)}
