import t from 'tap'
import { type Connection, type ConnectionHandler, type RedisDriver } from '../../lib/store/redis-client.ts'
import { Subscriptions } from '../../lib/store/redis-subscriptions.ts'

/** A driver of connections that answer everything, but for what a test replaces. */
class FakeDriver implements RedisDriver {
  readonly keyPrefix = ''
  readonly database = 0
  readonly handlers: ConnectionHandler[] = []
  readonly sent: string[] = []
  readonly #replace: (nth: number) => Partial<Connection>

  constructor (replace: (nth: number) => Partial<Connection> = () => ({})) {
    this.#replace = replace
  }

  open (handler: ConnectionHandler): Connection {
    this.handlers.push(handler)
    const send = (name: string) => async (channels: string[]) => { this.sent.push(`${name} ${channels.join(' ')}`) }
    return {
      ready: Promise.resolve(),
      command: async () => {},
      subscribe: send('subscribe'),
      unsubscribe: send('unsubscribe'),
      ping: async () => {},
      close () {},
      ...this.#replace(this.handlers.length)
    }
  }
}

const never = () => new Promise<never>(() => {})

function subscriptions (driver: RedisDriver, { timeout = 60_000, ping = 60_000 } = {}) {
  const all = new Subscriptions(driver, { timeout, ping, parse: () => [] })
  t.teardown(() => all.close())
  // Its timers do not keep a process alive.
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  return all
}

t.test('a quiet connection that no longer answers is replaced, and watchers hear null', async t => {
  let pings = 0
  const driver = new FakeDriver(nth => nth === 1 ? { ping: () => ++pings === 1 ? Promise.resolve() : never() } : {})
  const all = subscriptions(driver, { timeout: 40, ping: 10 })
  const heard = new Promise(resolve => { all.watch('log', resolve).catch(t.error) })
  t.equal(await heard, null)
  t.equal(driver.handlers.length, 2)
  t.ok(pings > 1)
})

t.test('watchers that begin in one turn share a command, and watchers of one channel a subscription', async t => {
  const driver = new FakeDriver()
  const all = subscriptions(driver)
  const stops = await Promise.all(['a', 'b', 'a'].map(name => all.watch(name, () => {})))
  t.strictSame(driver.sent, ['subscribe a b'])
  stops[0]!()
  await all.watch('c', () => {})
  stops[2]!()
  stops[2]!()
  await all.watch('d', () => {})
  t.strictSame(driver.sent, ['subscribe a b', 'subscribe c', 'subscribe d', 'unsubscribe a'])
})

t.test('whoever comes back while the subscription ends gets another', async t => {
  let release = () => {}
  const driver = new FakeDriver(() => ({ unsubscribe: () => new Promise<void>(resolve => { release = resolve }) }))
  const all = subscriptions(driver)
  const stop = await all.watch('a', () => {})
  stop()
  await new Promise(setImmediate)
  const again = all.watch('a', () => {})
  release()
  await again
  t.strictSame(driver.sent, ['subscribe a', 'subscribe a'])
})

t.test('whoever comes back before the subscription ends keeps it', async t => {
  let release = () => {}
  const driver = new FakeDriver(() => ({ subscribe: channels => channels[0] === 'b' ? new Promise<void>(resolve => { release = resolve }) : Promise.resolve() }))
  const all = subscriptions(driver)
  const stop = await all.watch('a', () => {})
  const second = all.watch('b', () => {})
  stop()
  await new Promise(setImmediate)
  const again = all.watch('a', () => {})
  release()
  await Promise.all([again, second])
  t.ok(driver.sent.every(command => !command.startsWith('subscribe')))
})

t.test('a connection that is lost while a subscription ends: nothing of it is left', async t => {
  let release = () => {}
  const driver = new FakeDriver(nth => nth === 1 ? { subscribe: channels => channels[0] === 'b' ? new Promise<void>(resolve => { release = resolve }) : Promise.resolve() } : {})
  const all = subscriptions(driver)
  const stop = await all.watch('a', () => {})
  const second = all.watch('b', () => {})
  stop()
  await new Promise(setImmediate)
  driver.handlers[0]!.closed(new Error('cut'))
  await t.rejects(second, /cut/)
  release()
  await all.watch('c', () => {})
  t.strictSame(driver.sent, ['subscribe c'])
})

t.test('a message for a channel that nobody watches any more is dropped', async t => {
  const driver = new FakeDriver()
  const all = subscriptions(driver)
  let heard = 0
  const stop = await all.watch('a', () => { heard++ })
  driver.handlers[0]!.message('a', '')
  stop()
  await all.watch('b', () => {})
  driver.handlers[0]!.message('a', '')
  t.equal(heard, 1)
})

t.test('a subscription that fails is tried again for watchers that had one', async t => {
  const driver = new FakeDriver(nth => nth === 2 ? { subscribe: () => Promise.reject(new Error('NOPERM')) } : {})
  const all = subscriptions(driver)
  const heard = new Promise(resolve => { all.watch('a', resolve).catch(t.error) })
  await all.watch('b', () => {})
  driver.handlers[0]!.closed(new Error('cut'))
  await t.rejects(all.watch('c', () => {}), /NOPERM/)
  driver.handlers[1]!.closed(new Error('cut again'))
  t.equal(await heard, null)
  t.equal(driver.handlers.length, 3)
})

t.test('closing rejects the calls that wait', async t => {
  const driver = new FakeDriver(() => ({ subscribe: never }))
  const all = subscriptions(driver)
  const waiting = all.watch('a', () => {})
  await new Promise(setImmediate)
  all.close()
  await t.rejects(waiting, /closed/)
  await t.rejects(all.watch('a', () => {}), /closed/)
})
