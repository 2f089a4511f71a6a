#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Those jtis are marked.
return call('ZREM', P .. 'marks', unpack(given.jtis))
