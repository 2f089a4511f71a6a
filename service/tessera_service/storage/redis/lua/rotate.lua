#!lua
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.rotate. ARGV[4], ARGV[5]: the payloads of the successor. Returns {status, session or nothing}.
local s = find(given.id)
if not s then
  return {'not_found', false}
end
local cutoff, key, jti, now = cutoff_of(s.who), P .. 's:' .. s.id, given.presented, given.now_ms
if not may_end(s, cutoff) then
  return {'ended', whole(s.id, cutoff)}
elseif math.floor(now / 1000) >= math.min(s.expires, s.ends) then
  return {'expired', whole(s.id, cutoff)}
end
local is = call('HMGET', key, 'r', 's', 'sk')
local spent = is[2] and cjson.decode(is[2]) or {}  -- jti, ms, jti, ms ..., oldest first

if jti == is[1] then
  if not are_new(given.tokens) then
    return {'taken', false}
  end
  local kept, dead = {}, {}  -- dead: what no revocation has to mark, and what would make it longer with each use
  for i = 1, #spent, 2 do
    if now - spent[i + 1] < given.grace_ms then
      kept[#kept + 1], kept[#kept + 2] = spent[i], spent[i + 1]
    else
      dead[#dead + 1] = spent[i]
    end
  end
  kept[#kept + 1], kept[#kept + 2] = jti, now
  while #kept > 2 * given.spent_kept do
    local left, at = table.remove(kept, 1), table.remove(kept, 1)
    dead[#dead + 1] = left  -- in its grace, but only the last one that was spent yields anything
    if call('EXISTS', P .. 't:' .. left) == 1 then
      call('SET', P .. 'n:' .. left, cjson.encode({s.id, at}))
    end
  end
  local until_ms = now + given.grace_ms
  call('HSET', key, 'r', given.refresh_jti, 's', cjson.encode(kept), 'sa', ARGV[4], 'sr', ARGV[5], 'sk', given.kid,
    'su', int(until_ms))
  call('ZADD', P .. 'due:n', until_ms, s.id)
  call('SADD', P .. 'e:' .. s.who, s.id)
  if #dead > 0 then
    call('ZREM', P .. 'y:' .. s.id, unpack(dead))
  end
  move_on(s, given.expires, given.tokens, math.floor(now / 1000))
  return {'rotated', whole(s.id, cutoff)}
end

local named, is_in_grace = false, false
for i = 1, #spent, 2 do
  if spent[i] == jti then
    named, is_in_grace = true, now - spent[i + 1] < given.grace_ms
  end
end
if not named then
  local noted = call('GET', P .. 'n:' .. jti)
  noted = noted and cjson.decode(noted)
  is_in_grace = noted and noted[1] == s.id and now - noted[2] < given.grace_ms
end
if not is_in_grace then
  finish({s}, given.reuse)
  return {'reuse_revoked', whole(s.id, cutoff)}
elseif is[3] and spent[#spent - 1] == jti then
  return {'replayed', whole(s.id, cutoff)}
end
return {'superseded', whole(s.id, cutoff)}
