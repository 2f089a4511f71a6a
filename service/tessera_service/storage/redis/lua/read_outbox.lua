#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- Outbox.read_outbox: {{id, fields, personal data or nothing}, ...}.
local rows = call('XRANGE', P .. 'out', int(given.after + 1), '+', 'COUNT', int(given.limit))
for _, row in ipairs(rows) do
  row[3] = call('HGET', P .. 'where', string.match(row[1], '^%d+'))
end
return rows
