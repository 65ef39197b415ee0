import { createClient } from 'redis'
import t from 'tap'
import { testRedisStore } from '../helpers/redis-suite.ts'

// Other versions: test/system/redis-clients.test.ts.
testRedisStore(t, 'node-redis 6', port => createClient({ url: `redis://127.0.0.1:${port}/2` }))
