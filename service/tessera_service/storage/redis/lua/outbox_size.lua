#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- Outbox.outbox_size: {rows, head, relays}.
return {call('XLEN', P .. 'out'), call('HGET', META, 'told'), call('HGETALL', P .. 'relays')}
