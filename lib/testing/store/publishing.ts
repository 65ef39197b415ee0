// Appends without `first`: many publishers, the store assigns the ids.
import assert from 'node:assert/strict'
import { positionOf } from '../../log/cursor.ts'
import { brief, type Cases, end, event, open, TTL } from './pair.ts'

export const publishing: Cases = {
  'the first event opens an epoch of the store\'s clock': async pair => {
    const id = await pair.publish(['one'])
    const { epoch, seq } = positionOf(id)
    assert.equal(seq, 1)
    assert.ok(Number.isSafeInteger(epoch) && epoch >= 0 && epoch < 1e15, id)
    const entries = await pair.readAll()
    assert.deepEqual(brief(entries), [`${epoch}-0 open`, `${epoch}-1 one`])
    assert.equal(entries[0]!.type, '', 'it continues nothing')
  },
  'the next take the next ids, whoever publishes them': async pair => {
    const { epoch } = positionOf(await pair.publish(['one']))
    assert.equal(await pair.publish(['two', 'three'], {}, pair.b), `${epoch}-3`)
    assert.equal(await pair.publish(['four']), `${epoch}-4`)
    assert.deepEqual(brief(await pair.readAll(`${epoch}-0`)), [1, 2, 3, 4].map((n, i) => `${epoch}-${n} ${['one', 'two', 'three', 'four'][i]}`))
  },
  'no records: opens a log that does not exist': async pair => {
    const id = await pair.publish([])
    assert.equal(positionOf(id).seq, 0)
    assert.deepEqual(brief(await pair.readAll()), [`${id} open`])
    assert.equal(await pair.publish([], {}, pair.b), id, 'the second finds it')
    assert.equal(await pair.publish(['one']), `${positionOf(id).epoch}-1`)
  },
  'no records: resolves to the tail of a log and writes nothing': async pair => {
    const id = await pair.publish(['one'])
    assert.equal(await pair.publish([]), id)
    assert.equal((await pair.readAll()).length, 2)
  },
  'ENDED: a sealed log takes no events': async pair => {
    await pair.produce('1000-0', [open('mine'), end()], { after: null })
    for (const data of [['one'], []]) {
      await assert.rejects(pair.publish(data), { name: 'StoreError', code: 'ENDED', tail: '1000-1' })
    }
  },
  'the same token again is a duplicate and resolves to the first id': async pair => {
    const token = { publisher: 'p', sequence: 1 }
    const id = await pair.publish(['one', 'two'], { token })
    assert.equal(await pair.publish(['one', 'two'], { token }, pair.b), id)
    await pair.publish(['three'])
    assert.equal(await pair.publish(['one', 'two'], { token }), id, 'also when others published in between')
    assert.deepEqual((await pair.readAll()).map(({ data }) => data), ['', 'one', 'two', 'three'])
  },
  'the next token of a publisher, and that of another, are no duplicates': async pair => {
    await pair.publish(['one'], { token: { publisher: 'p', sequence: 1 } })
    await pair.publish(['two'], { token: { publisher: 'p', sequence: 2 } })
    await pair.publish(['three'], { token: { publisher: 'q', sequence: 1 } })
    await pair.publish(['four'], { token: { publisher: 'q', sequence: 10 } })
    await pair.publish(['five'], { token: { publisher: 'p', sequence: 10 } })
    assert.deepEqual((await pair.readAll()).map(({ data }) => data), ['', 'one', 'two', 'three', 'four', 'five'])
  },
  'an earlier token of a publisher came late and writes nothing': async pair => {
    await pair.publish(['one'], { token: { publisher: 'p', sequence: 9 } })
    await pair.publish(['two'], { token: { publisher: 'p', sequence: 10 } })
    await pair.publish(['one'], { token: { publisher: 'p', sequence: 9 } }, pair.b)
    assert.deepEqual((await pair.readAll()).map(({ data }) => data), ['', 'one', 'two'])
  },
  'a hundred publishers are told apart': async pair => {
    const tokens = Array.from({ length: 100 }, (_, i) => ({ publisher: `publisher ${i}`, sequence: 1 }))
    const ids = await Promise.all(tokens.map((token, i) => pair.publish([`${i}`], { token }, i % 2 === 0 ? pair.a : pair.b)))
    assert.deepEqual(await Promise.all(tokens.map((token, i) => pair.publish([`${i}`], { token }))), ids)
    assert.equal((await pair.readAll()).length, 101)
  },
  'the same idempotency key again is a duplicate, from any publisher': async pair => {
    const id = await pair.publish(['one'], { idempotencyKey: 'order 1', token: { publisher: 'p', sequence: 1 } })
    await pair.publish(['two'], { idempotencyKey: 'order 2', token: { publisher: 'p', sequence: 2 } })
    assert.equal(await pair.publish(['one'], { idempotencyKey: 'order 1', token: { publisher: 'q', sequence: 1 } }, pair.b), id)
    assert.equal(await pair.publish(['other'], { idempotencyKey: 'order 1' }), id)
    assert.deepEqual((await pair.readAll()).map(({ data }) => data), ['', 'one', 'two'])
  },
  'an idempotency key of one log is none of another': async pair => {
    await pair.publish(['one'], { idempotencyKey: 'k' })
    const other = `${pair.log}:other`
    await pair.a.append(other, [event('one')], { ttl: TTL, idempotencyKey: 'k' })
    assert.equal((await pair.a.read(other, null, { limit: 10 })).entries.length, 2)
  },
  'idempotency keys have any characters': async pair => {
    const keys = ['', ' ', 'ä', '\u{1F600}', 'a:b', 'a\nb', '*', '{x}', '0', '__proto__', 'constructor', '"', "'", '\\', '\u0000']
    const ids = []
    for (const idempotencyKey of keys) ids.push(await pair.publish([idempotencyKey], { idempotencyKey }))
    assert.equal(new Set(ids).size, keys.length)
    for (const [i, idempotencyKey] of keys.entries()) assert.equal(await pair.publish(['again'], { idempotencyKey }), ids[i])
  },
  'an idempotency key is known after its event was trimmed': async pair => {
    const id = await pair.publish(['one'], { idempotencyKey: 'k', maxEvents: 2 })
    for (let n = 0; n < 300; n++) await pair.publish([`${n}`], { maxEvents: 2 })
    assert.equal(await pair.publish(['one'], { idempotencyKey: 'k', maxEvents: 2 }), id)
  },
  'another generation opens an epoch, which continues the tail or says that something may be lost': async pair => {
    const id = await pair.publish(['one', 'two'])
    await pair.restart()
    const next = await pair.publish(['three'])
    assert.ok(positionOf(next).epoch > positionOf(id).epoch, `${next} after ${id}`)
    const entries = await pair.readAll(id)
    assert.deepEqual(entries.map(({ kind, data }) => [kind, data]), [['open', ''], ['event', 'three']])
    assert.ok(['', id].includes(entries[0]!.type), `it continues ${entries[0]!.type}`)
    assert.equal(await pair.publish(['four'], {}, pair.b), `${positionOf(next).epoch}-2`, 'once')
  },
  'another generation: no records open an epoch too': async pair => {
    const id = await pair.publish(['one'])
    await pair.restart()
    const opened = await pair.publish([], {}, pair.b)
    assert.ok(positionOf(opened).epoch > positionOf(id).epoch)
    assert.equal(positionOf(opened).seq, 0)
    assert.equal(await pair.publish([]), opened)
    assert.ok(['', id].includes((await pair.readAll(id))[0]!.type))
  },
  'another generation: a sealed log stays sealed': async pair => {
    await pair.produce('1000-0', [open('mine'), end()], { after: null })
    await pair.restart()
    await assert.rejects(pair.publish(['one']), { code: 'ENDED' })
  }
}
