import { Redis } from 'ioredis'
import t from 'tap'
import { redisStore } from '../../lib/store/redis.ts'
import { RedisServer, skipRedis } from '../helpers/redis.ts'
import { testStore } from '../helpers/store-suite.ts'

// Other versions and settings: test/system/redis-clients.test.ts.
t.test('ioredis 6 with keyPrefix and db', { skip: skipRedis }, async t => {
  const server = await RedisServer.start(t, ['--appendonly', 'yes'])
  // The client never connects: the store duplicates it.
  const client = () => new Redis(server.port, { lazyConnect: true, keyPrefix: 'app:', db: 1 })
  await testStore(t, () => ({ open: () => redisStore(client()), restart: () => server.restart() }))
})
