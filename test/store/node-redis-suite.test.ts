import { createClient } from 'redis'
import t from 'tap'
import { redisStore } from '../../lib/store/redis.ts'
import { RedisServer, skipRedis } from '../helpers/redis.ts'
import { testStore } from '../helpers/store-suite.ts'

// Other versions: test/system/redis-clients.test.ts.
t.test('node-redis 6', { skip: skipRedis }, async t => {
  const server = await RedisServer.start(t, ['--appendonly', 'yes'])
  // The client never connects: the store duplicates it.
  const client = () => createClient({ url: `redis://127.0.0.1:${server.port}/2` })
  await testStore(t, () => ({ open: () => redisStore(client()), restart: () => server.restart() }))
})
