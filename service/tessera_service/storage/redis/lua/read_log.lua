#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- RevocationLog.read_log: {log id, head, entries}. What a server had and lost with its process or its place is another
-- log, though the numbers go on: so the id names the life of the server too.
local life = string.match(call('INFO', 'server'), 'run_id:(%x+)')
local is = call('HMGET', META, 'log', 'head')
local last = given['until'] and int(given['until']) or '+'
return {is[1] .. '.' .. life, is[2], call('XRANGE', P .. 'log', int(given.after), last, 'COUNT', int(given.limit))}
