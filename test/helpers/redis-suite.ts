import type { Test } from 'tap'
import { redisStore, type RedisClient } from '../../lib/store/redis.ts'
import { RedisServer, skipRedis } from './redis.ts'
import { testStore } from './store-suite.ts'

/**
 * Runs the suite of every store over a client, with a Redis of its own.
 *
 * @param clientOf makes a client, which never connects: the store duplicates it
 */
export function testRedisStore (t: Test, name: string, clientOf: (port: number) => RedisClient): void {
  t.test(name, { skip: skipRedis }, async t => {
    const server = await RedisServer.start(t, ['--appendonly', 'yes'])
    await testStore(t, () => ({ open: () => redisStore(clientOf(server.port)), restart: () => server.restart() }))
  })
}
