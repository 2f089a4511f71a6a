#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- What "revoked:<jti>" has to be written: jti, expiry of its token, ...
return call('ZRANGE', P .. 'marks', 0, 999, 'WITHSCORES')
