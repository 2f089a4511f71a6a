#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.list_sessions and page_sessions: {total (-1: not asked for), sessions}, newest first.
local who = given.subject and who_of(given.tenant, given.subject)
local timeline = who and P .. 'l:' .. who or P .. 'i:' .. given.tenant
local live, locked = who and P .. 'a:' .. who, who and P .. 'q:' .. who

local function status_of(s, cutoff)
  if s.locked then
    return 'locked'
  elseif not may_end(s, cutoff) then
    return 'revoked'
  end
  return is_active(s, cutoff, given.now) and 'active' or 'expired'
end

local function count()
  local now_ms = int(given.now * 1000)
  if not given.counted then
    return -1
  elseif given.status == 'active' then
    return call('ZCOUNT', live, '(' .. now_ms, '+inf')
  elseif given.status == 'expired' then
    return call('ZCOUNT', live, '-inf', now_ms)
  elseif given.status == 'locked' then
    return call('ZCARD', locked)
  end
  local all = call('ZCARD', timeline)
  return given.status and all - call('ZCARD', live) - call('ZCARD', locked) or all
end

-- Few that are active are found at once, however many others there are of the subject; what a surface limits is few.
local FEW = 200
local function are_few()
  return given.surface or call('ZCOUNT', live, '(' .. int(given.now * 1000), '+inf') <= FEW
end

if who and given.status == 'active' and are_few() then
  local active, cutoff, page = active_of(who, given.surface, given.now), cutoff_of(who), {}
  table.sort(active, function(one, other)
    if one.created ~= other.created then
      return one.created > other.created
    end
    return one.id > other.id
  end)
  for i = given.offset + 1, math.min(given.offset + given.limit, #active) do
    page[#page + 1] = whole(active[i].id, cutoff)
  end
  return {count(), page}
end

local total, found, skipped, at = count(), {}, 0, 0
local is_plain = not given.status and not given.surface
if is_plain then
  skipped, at = given.offset, given.offset
end
while #found < given.limit and (total < 0 or skipped + #found < total) do
  local ids = call('ZREVRANGE', timeline, at, at + (is_plain and given.limit or 200) - 1)
  if #ids == 0 then
    break
  end
  at = at + #ids
  for _, id in ipairs(ids) do
    local s = find(id)
    local cutoff = cutoff_of(s.who)
    local is_wanted = (not given.surface or s.surface == given.surface)
      and (not given.status or status_of(s, cutoff) == given.status)
    if is_wanted and skipped < given.offset then
      skipped = skipped + 1
    elseif is_wanted and #found < given.limit then
      found[#found + 1] = whole(id, cutoff)
    end
  end
end
return {total, found}
