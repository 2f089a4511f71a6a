#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- SessionStore.find_token: its record, or nothing.
return call('GET', P .. 't:' .. given.jti)
