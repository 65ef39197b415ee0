// The suite of every store over the clients that test/store/ leaves out: earlier versions, and no prefix.
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { createClient as createClient5 } from 'redis-5'
import t from 'tap'
import { testRedisStore } from '../helpers/redis-suite.ts'

testRedisStore(t, 'ioredis 6', port => new Redis(port, { lazyConnect: true }))
testRedisStore(t, 'ioredis 5', port => new Redis5(port, { lazyConnect: true }))
testRedisStore(t, 'node-redis 5', port => createClient5({ socket: { port } }))
