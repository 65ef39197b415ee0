import { Redis } from 'ioredis'
import t from 'tap'
import { testRedisStore } from '../helpers/redis-suite.ts'

// Other versions and settings: test/system/redis-clients.test.ts.
testRedisStore(t, 'ioredis 6 with keyPrefix and db', port => new Redis(port, { lazyConnect: true, keyPrefix: 'app:', db: 1 }))
