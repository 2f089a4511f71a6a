#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Outbox.advance_relay: 1, or 0 if it is in other hands. It changes numbers in place: without memory it can be done.
local relay = call('HGET', P .. 'relays', given.sink)
relay = relay and cjson.decode(relay)
if not relay or relay[2] ~= given.fence then
  return 0
end
relay[1] = math.max(relay[1], given.position)
relay[4] = given.lease_ms > 0 and given.now_ms + given.lease_ms or 0
call('HSET', P .. 'relays', given.sink, cjson.encode(relay))
return 1
