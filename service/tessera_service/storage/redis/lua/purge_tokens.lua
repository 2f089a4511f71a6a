#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.purge: records of tokens that are over at `now`. How many went.
local jtis = call('ZRANGEBYSCORE', P .. 'due:t', '-inf', int(given.now), 'LIMIT', 0, int(given.limit))
for _, jti in ipairs(jtis) do
  local record = call('GET', P .. 't:' .. jti)
  if record then
    call('ZREM', P .. 'y:' .. cjson.decode(record)[1], jti)
  end
  call('DEL', P .. 't:' .. jti, P .. 'n:' .. jti)
  call('ZREM', P .. 'due:t', jti)
end
return #jtis
