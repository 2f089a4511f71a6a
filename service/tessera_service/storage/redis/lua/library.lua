-- SPDX-License-Identifier: Apache-2.0
-- Stands in front of every step. KEYS[1]: "{tessera:<p>}:meta", which names the slot of all the keys below.
-- ARGV[1]: id of the directory. ARGV[2]: for how long "revoked:<jti>" outlives its token (seconds), or "" where it lives
-- in another slot and is written later. ARGV[3]: what the step is given, as JSON. From ARGV[4] on: bytes.
--
-- Below the tag of a partition; <who> is tenant, NUL, subject; <where made> is tenant, NUL, surface; <who where> is <who>,
-- NUL, surface:
--   meta            directory, partitions, log (its id), head (of the log), told (head of the outbox)
--   s:<session>     a session: see FIELDS in rows.py         y:<session>  its tokens (by expiry) without dead ones
--   t:<jti>         a token                                  n:<jti>      when it was spent, if its session forgot
--   c:<who>         cut-off (ms), entries that hold it (n)   l:<who>      sessions (by creation)
--   a:<who>         sessions that may end (by their end)     q:<who>      locked ones        e:<who>  erasable ones
--   x:<who>         sessions that a cut-off ended and no event tells of yet (by their end)
--   b:<who where>   as a:, with what is in x: too
--   endings         by <who>: the revocation that ended those, as it was given
--   i:<tenant>      sessions (by creation)                   k:<access key>  sessions that may end (by their end)
--   v:<where made>  sessions that may end (by their end)     w:<where made>  how many others there are
--   log, out        streams: the log, the outbox             j:<jti>      the log names that jti
--   where           personal data of events, by sequence     p:<who>      events that have some
--   relays          who delivers to a sink                   marks        "revoked:<jti>" that are to be written
--   due:s due:t due:n due:log due:out    what goes when: sessions, tokens, successors, entries, events
--
-- Nothing is undone when a command fails: what may fail (the outbox, then the log) is written before all else.
local call = redis.call
local META, P = KEYS[1], string.sub(KEYS[1], 1, -5)
local MARK_SECONDS = tonumber(ARGV[2])
local given = cjson.decode(ARGV[3])

local directory = call('HGET', META, 'directory')
if not directory then
  return redis.error_reply('EMPTIED the store has lost what it held')
elseif directory ~= ARGV[1] then
  return redis.error_reply('STRANGE the store belongs to another directory')
end

local function int(number)
  return string.format('%.0f', number)
end

local function pad(number)
  return string.format('%016.0f', number)
end

local function who_of(tenant, subject)
  return tenant .. '\0' .. subject
end

local function cutoff_of(who)
  return tonumber(call('HGET', P .. 'c:' .. who, 'ms') or 0)
end

local function number(text)
  return text and tonumber(text)
end

-- A master that was made a replica goes on answering what only reads, over connections of before, and does not know what
-- was revoked at the new one. Who has to know asks this; the code makes the driver look for the master again.
local DEMOTED = 'READONLY the server is a replica by now'

local function is_master(info)
  return string.match(info, 'role:(%a+)') == 'master'
end

-- What the steps have to know of a session; nil if there is none.
local function find(id)
  local is = call('HMGET', P .. 's:' .. id, 't', 'u', 'v', 'k', 'c', 'x', 'e', 'a', 'o', 'l', 'd', 'w')
  if not is[1] then
    return nil
  end
  return {
    id = id, tenant = is[1], subject = is[2], who = who_of(is[1], is[2]), surface = is[3], key = is[4],
    created = tonumber(is[5]), expires = tonumber(is[6]), ends = tonumber(is[7]), active = tonumber(is[8]),
    revoked = number(is[9]), locked = is[10], device = is[11], where = is[12],
  }
end

local function made(s)
  return who_of(s.tenant, s.surface)
end

local function made_by(s)
  return P .. 'b:' .. s.who .. '\0' .. s.surface
end

-- When its time is over (ms).
local function time_over(s)
  return math.min(s.expires, s.ends) * 1000
end

local function may_end(s, cutoff)
  return not s.revoked and not s.locked and s.created > cutoff
end

local function is_active(s, cutoff, now)
  return may_end(s, cutoff) and now < math.min(s.expires, s.ends)
end

-- All of a session and the cut-off under which it is seen, as the caller decodes it.
local function whole(id, cutoff)
  return {id, call('HGETALL', P .. 's:' .. id), int(cutoff)}
end

-- Gathers what one command can be given for many keys or members: very many sessions may end at once.
local function gatherer()
  local commands = {}
  local function flush()
    for _, command in pairs(commands) do
      call(unpack(command))
    end
    commands = {}
  end
  local function gather(name, key, ...)
    local command = commands[name .. key]
    if not command then
      command = {name, key}
      commands[name .. key] = command
    end
    for _, argument in ipairs({...}) do
      command[#command + 1] = argument
    end
    if #command > 1000 then
      commands[name .. key] = nil
      call(unpack(command))
    end
  end
  return gather, flush
end

-- The next number of the outbox; what tells it, if it can be written.
local told
local function write_event(id, kind, tenant, session, subject, at, data, device)
  told = (told or tonumber(call('HGET', META, 'told'))) + 1
  local event = {'i', id, 'y', kind, 't', tenant, 'u', subject, 'a', int(at), 'd', data}
  if session then
    event[#event + 1], event[#event + 2] = 's', session
  end
  if device then
    event[#event + 1], event[#event + 2] = 'v', device
  end
  call('XADD', P .. 'out', int(told) .. '-0', unpack(event))
  return told
end

local function tell(id, kind, tenant, session, subject, at, data, device, personal)
  local sequence = write_event(id, kind, tenant, session, subject, at, data, device)
  call('HSET', META, 'told', int(sequence))
  call('ZADD', P .. 'due:out', at, pad(sequence))
  if personal then
    call('HSET', P .. 'where', int(sequence), personal)
    call('ZADD', P .. 'p:' .. who_of(tenant, subject), sequence, int(sequence))
  end
end

local function tell_ends(leaving, why)
  local gather, flush = gatherer()
  for _, s in ipairs(leaving) do
    local id = s.id .. '.revoked'
    local sequence = write_event(id, why.type, s.tenant, s.id, s.subject, why.at, why.data, s.device)
    gather('ZADD', P .. 'due:out', why.at, pad(sequence))
    if s.where then
      gather('HSET', P .. 'where', int(sequence), s.where)
      gather('ZADD', P .. 'p:' .. s.who, sequence, int(sequence))
    end
  end
  if told then
    call('HSET', META, 'told', int(told))
  end
  flush()
end

local head
local function log(kind, tenant, key, cutoff, expires)
  head = (head or tonumber(call('HGET', META, 'head'))) + 1
  call('XADD', P .. 'log', int(head) .. '-0', 'k', kind, 't', tenant, 'y', key, 'c', int(cutoff), 'x', int(expires))
  call('HSET', META, 'head', int(head))
  call('ZADD', P .. 'due:log', expires, pad(head))
end

-- For readers outside: nothing here reads it.
local function mark(jti, expires)
  if MARK_SECONDS then
    call('SET', 'revoked:' .. jti, '1', 'EXAT', int(expires + MARK_SECONDS))
  else
    call('ZADD', P .. 'marks', expires, jti)
  end
end

local function mark_tokens(id, at)
  local tokens = call('ZRANGEBYSCORE', P .. 'y:' .. id, '(' .. int(math.floor(at / 1000)), '+inf', 'WITHSCORES')
  for i = 1, #tokens, 2 do
    mark(tokens[i], tonumber(tokens[i + 1]))
  end
end

-- Among what may end, by its end.
local function index(s)
  local over = time_over(s)
  call('ZADD', P .. 'a:' .. s.who, over, s.id)
  call('ZADD', made_by(s), over, s.id)
  call('ZADD', P .. 'v:' .. made(s), over, s.id)
  call('ZADD', P .. 'due:s', over, s.id)
  if s.key then
    call('ZADD', P .. 'k:' .. s.key, over, s.id)
  end
end

local function stop(leaving)
  local gather, flush = gatherer()
  local stopped = {}
  for _, s in ipairs(leaving) do
    gather('ZREM', P .. 'a:' .. s.who, s.id)
    gather('ZREM', made_by(s), s.id)
    gather('ZREM', P .. 'v:' .. made(s), s.id)
    if s.key then
      gather('ZREM', P .. 'k:' .. s.key, s.id)
    end
    stopped[made(s)] = (stopped[made(s)] or 0) + 1
  end
  for where_made, number_stopped in pairs(stopped) do
    call('INCRBY', P .. 'w:' .. where_made, number_stopped)
  end
  flush()
end

local function write_ends(leaving, why)
  local gather, flush = gatherer()
  for _, s in ipairs(leaving) do
    local key = P .. 's:' .. s.id
    call('HDEL', key, 'sa', 'sr', 'sk', 'su', 'nj', 'nx', 'np', 'nk')
    call('HSET', key, 'o', int(why.at), 'y', why.reason, 'b', why.by)
    if why.locked then
      call('HSET', key, 'l', '1')
      gather('ZADD', P .. 'q:' .. s.who, s.created, s.id)
    end
    gather('ZADD', P .. 'due:s', why.at, s.id)
    gather('ZREM', P .. 'due:n', s.id)
    mark_tokens(s.id, why.at)
  end
  flush()
end

-- The sessions of a subject that are active then, all or those of one surface, in no order.
local function active_of(who, surface, now)
  local live, active = P .. 'a:' .. who, {}
  local set = surface and P .. 'b:' .. who .. '\0' .. surface or live
  for _, id in ipairs(call('ZRANGEBYSCORE', set, '(' .. int(now * 1000), '+inf')) do
    if not surface or call('ZSCORE', live, id) then
      active[#active + 1] = find(id)
    end
  end
  return active
end

-- Ends sessions that may end; `is_told`: their events are written.
local function finish(leaving, why, is_told)
  if not is_told then
    tell_ends(leaving, why)
  end
  for _, s in ipairs(leaving) do
    log('session', s.tenant, s.id, 0, why['until'])
  end
  stop(leaving)
  write_ends(leaving, why)
end

-- The first sessions of a set by their end, but `keep`: so many that what is written of them, each with its tokens, is
-- done soon.
local function first_of(key, since, at_once, keep)
  local tokens, first = 0, {}
  for _, id in ipairs(call('ZRANGEBYSCORE', key, since, '+inf', 'LIMIT', 0, int(at_once + 1))) do
    if id ~= keep and #first < at_once then
      tokens = tokens + call('ZCARD', P .. 'y:' .. id)
      if #first > 0 and tokens > 4 * at_once then
        break
      end
      first[#first + 1] = find(id)
    end
  end
  return first
end

-- Of sessions that a cut-off ends, those that may be alive by any clock, oldest first: there is an event of each.
local function alive_of(standing, alive_since_ms)
  local alive = {}
  for _, s in ipairs(standing) do
    if time_over(s) > alive_since_ms then
      alive[#alive + 1] = s
    end
  end
  table.sort(alive, function(one, other)
    if one.created ~= other.created then
      return one.created < other.created
    end
    return one.id < other.id
  end)
  return alive
end

-- Writes what a cut-off left to be written of some of the sessions that it ended.
local function settle(who, standing)
  local begun, gather, flush = cjson.decode(call('HGET', P .. 'endings', who)), gatherer()
  local alive = alive_of(standing, begun.alive_since_ms)
  tell_ends(alive, begun.why)
  stop(standing)
  write_ends(alive, begun.why)
  for _, s in ipairs(standing) do
    gather('ZREM', P .. 'x:' .. who, s.id)
  end
  flush()
  if call('EXISTS', P .. 'x:' .. who) == 0 then
    call('HDEL', P .. 'endings', who)
  end
end

-- The same of one session, if it is one of those: whoever ends it is told that all is done.
local function settle_one(s)
  if call('ZSCORE', P .. 'x:' .. s.who, s.id) then
    settle(s.who, {s})
  end
end

-- Whether every jti is new. A token: {jti, expires, record}.
local function are_new(tokens)
  local seen = {}
  for _, token in ipairs(tokens) do
    if seen[token[1]] or call('EXISTS', P .. 't:' .. token[1]) == 1 then
      return false
    end
    seen[token[1]] = true
  end
  return true
end

local function add_tokens(id, tokens)
  for _, token in ipairs(tokens) do
    call('SET', P .. 't:' .. token[1], token[3])
    call('ZADD', P .. 'due:t', token[2], token[1])
    call('ZADD', P .. 'y:' .. id, token[2], token[1])
  end
end

-- A session moves on to its next end and tokens; those that are dead by now are forgotten, each once.
local function move_on(s, expires, tokens, now)
  s.expires = math.min(expires, s.ends)
  call('HSET', P .. 's:' .. s.id, 'x', int(s.expires))
  call('ZREMRANGEBYSCORE', P .. 'y:' .. s.id, '-inf', int(now))
  add_tokens(s.id, tokens)
  index(s)
end

-- A new session, whose fields are in ARGV: {created, active} as they are stored.
local function add(s, cutoff)
  s.who = who_of(s.tenant, s.subject)
  s.created = math.max(s.created, cutoff + 1)
  s.active = math.max(s.active, s.created)
end

local function store_new(s, tokens)
  local key = P .. 's:' .. s.id
  call('HSET', key, unpack(ARGV, 4))
  call('HSET', key, 'c', int(s.created), 'a', int(s.active))
  call('ZADD', P .. 'l:' .. s.who, s.created, s.id)
  call('ZADD', P .. 'i:' .. s.tenant, s.created, s.id)
  if s.erasable then
    call('SADD', P .. 'e:' .. s.who, s.id)
  end
  if s.locked or s.revoked then
    call('INCR', P .. 'w:' .. made(s))
    call('ZADD', P .. 'due:s', s.revoked or time_over(s), s.id)
    if s.locked then
      call('ZADD', P .. 'q:' .. s.who, s.created, s.id)
    end
  else
    index(s)
  end
  add_tokens(s.id, tokens)
end

-- Forgets a cut-off that no session and no entry needs any more.
local function forget(who)
  if call('EXISTS', P .. 'l:' .. who) == 0 and tonumber(call('HGET', P .. 'c:' .. who, 'n') or 0) < 1 then
    call('DEL', P .. 'c:' .. who)
  end
end
