#!lua
-- SPDX-License-Identifier: Apache-2.0
-- RevocationLog.renew_log.
call('HSET', META, 'log', given.log_id)
return 1
