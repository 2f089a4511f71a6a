#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.erase_subject: how many sessions changed.
local ids = call('SPOP', P .. 'e:' .. who_of(given.tenant, given.subject), int(given.limit))
for _, id in ipairs(ids) do
  call('HDEL', P .. 's:' .. id, 'n', 'm', 'd', 'w', 'sa', 'sr', 'sk', 'su', 'nj', 'nx', 'np', 'nk')
  call('ZREM', P .. 'due:n', id)
end
return #ids
