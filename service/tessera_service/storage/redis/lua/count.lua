#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.count_sessions, in one partition: {stopped, active, expired}.
local where_made = who_of(given.tenant, given.surface)
local timed, now_ms = P .. 'v:' .. where_made, int(given.now * 1000)
return {
  tonumber(call('GET', P .. 'w:' .. where_made) or 0),
  call('ZCOUNT', timed, '(' .. now_ms, '+inf'),
  call('ZCOUNT', timed, '-inf', now_ms),
}
