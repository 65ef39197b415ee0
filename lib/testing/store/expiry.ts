// Lives and leases, by the store's clock. Without a clock to advance they take seconds, and only lower bounds are exact.
import assert from 'node:assert/strict'
import { type Pair, brief, type Cases, end, event, open, TTL, until } from './pair.ts'

/** Short, but long enough for a busy machine to renew it in time. */
const SHORT = 1_000

async function isGone (pair: Pair): Promise<boolean> {
  return (await pair.b.read(pair.log, null, { limit: 1 })).tail === null
}

async function leaseOf (pair: Pair): Promise<number | null> {
  return (await pair.b.read(pair.log, null, { limit: 1 })).lease
}

export const expiry: Cases = {
  'a log is forgotten, whole, when its ttl has passed': async pair => {
    const id = await pair.publish(['one', 'two'], { ttl: SHORT, idempotencyKey: undefined, token: { publisher: 'p', sequence: 1 } })
    assert.ok(!await isGone(pair))
    await pair.elapse(SHORT)
    await until(() => isGone(pair))
    assert.deepEqual(await pair.readAll(id), [])
    const next = await pair.publish(['three'], { token: { publisher: 'p', sequence: 1 } })
    assert.deepEqual((await pair.readAll()).map(({ data }) => data), ['', 'three'], 'a new log, without the old tokens')
    assert.notEqual(next.split('-')[0], id.split('-')[0], 'in another epoch')
  },
  'each append sets the ttl anew': async pair => {
    await pair.publish(['one'], { ttl: SHORT })
    await pair.publish(['two'], { ttl: TTL }, pair.b)
    await pair.elapse(SHORT + 100)
    assert.equal((await pair.readAll()).length, 3)
  },
  'no records: the ttl is set anew': async pair => {
    await pair.publish(['one'], { ttl: SHORT })
    await pair.publish([], { ttl: TTL }, pair.b)
    await pair.elapse(SHORT + 100)
    assert.equal((await pair.readAll()).length, 2)
  },
  'a renewal by the producer sets ttl and lease anew': async pair => {
    await pair.produce('1000-0', [open('mine')], { after: null, ttl: SHORT, lease: SHORT })
    await pair.produce('1000-1', [], { ttl: TTL, lease: TTL })
    await pair.elapse(SHORT + 100)
    assert.deepEqual(brief(await pair.readAll()), ['1000-0 open'])
    assert.ok((await leaseOf(pair))! > SHORT)
  },
  'a log without a lease has none in force': async pair => {
    await pair.publish(['one'])
    assert.equal(await leaseOf(pair), null)
  },
  'a lease is in force until it runs out, and its log stays': async pair => {
    await pair.produce('1000-0', [open('mine')], { after: null, lease: SHORT })
    const left = await leaseOf(pair)
    assert.ok(left !== null && left > 0 && left <= SHORT, `${left} ms are left`)
    await pair.elapse(SHORT)
    await until(async () => await leaseOf(pair) === null)
    assert.deepEqual(brief(await pair.readAll()), ['1000-0 open'])
  },
  'each append sets the lease anew': async pair => {
    await pair.produce('1000-0', [open('mine')], { after: null, lease: SHORT })
    await pair.produce('1000-1', [event('one')], { lease: TTL })
    assert.ok((await leaseOf(pair))! > SHORT)
  },
  'an end record clears the lease': async pair => {
    await pair.produce('1000-0', [open('mine')], { after: null, lease: TTL })
    await pair.produce('1000-1', [event('one'), end()], { lease: TTL })
    assert.equal(await leaseOf(pair), null)
  },
  'an epoch that seals the log clears the lease of the one before': async pair => {
    await pair.produce('1000-0', [open('mine')], { after: null, lease: TTL })
    await pair.produce('2000-0', [open('seal', '1000-0'), end('stopped')], { after: '1000-0', lease: TTL })
    assert.equal(await leaseOf(pair), null)
  },
  'an append that is refused leaves ttl and lease alone': async pair => {
    await pair.produce('1000-0', [open('mine')], { after: null, lease: SHORT })
    await assert.rejects(pair.produce('900-1', [event('x')], { lease: TTL }), { code: 'FENCED' })
    await assert.rejects(pair.produce('1000-5', [event('x')], { lease: TTL }), { code: 'CONFLICT' })
    assert.ok(Number(await leaseOf(pair)) <= SHORT)
  },
  'an idempotency key lives for its ttl, on a log that lives longer': async pair => {
    const first = await pair.publish(['one'], { ttl: SHORT, idempotencyKey: 'k' })
    await pair.publish(['two'], { ttl: TTL })
    assert.equal(await pair.publish(['again'], { ttl: SHORT, idempotencyKey: 'k' }), first)
    await pair.publish([], { ttl: TTL })
    await pair.elapse(SHORT)
    await until(async () => await pair.publish(['later'], { ttl: TTL, idempotencyKey: 'k' }) !== first)
  }
}
