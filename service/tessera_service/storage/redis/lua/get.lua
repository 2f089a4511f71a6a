#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.get and read_state: {session or nothing, 1 if the log names the jti}.
if not is_master(call('INFO', 'replication')) then
  return redis.error_reply(DEMOTED)
end
local s = find(given.id)
local is_revoked = given.jti and call('EXISTS', P .. 'j:' .. given.jti) or 0
return {s and whole(s.id, cutoff_of(s.who)) or false, is_revoked}
