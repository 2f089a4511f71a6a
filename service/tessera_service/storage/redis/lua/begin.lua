#!lua
-- SPDX-License-Identifier: Apache-2.0
-- Makes a partition that is not there, and says whose it is: {directory, partitions}. Alone, without the library.
if redis.call('HEXISTS', KEYS[1], 'directory') == 0 then
  redis.call('HSET', KEYS[1], 'directory', ARGV[1], 'partitions', ARGV[2], 'log', ARGV[3], 'head', '0', 'told', '0')
end
return redis.call('HMGET', KEYS[1], 'directory', 'partitions')
