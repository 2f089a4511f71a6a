#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Outbox.claim_relay: {position, fence}, or nothing while another's lease is live. A relay: position, fence, holder,
-- until when.
local relay = call('HGET', P .. 'relays', given.sink)
relay = relay and cjson.decode(relay) or {0, 0, '', 0}
local is_live = given.now_ms < relay[4] and relay[4] <= given.now_ms + 2 * given.lease_ms
if is_live and relay[3] ~= given.holder then
  return false
elseif relay[3] ~= given.holder then
  relay[2] = relay[2] + 1
end
relay[3], relay[4] = given.holder, given.now_ms + given.lease_ms
call('HSET', P .. 'relays', given.sink, cjson.encode(relay))
return {relay[1], relay[2]}
