import t from 'tap'
import { checkpoint, comment, event, eventsOf } from '../../lib/contract/event.ts'
import { EventStream } from '../../lib/contract/event-stream.ts'
import { Checkpoint, Comment, Message } from '../../lib/wire/message.ts'

t.test('event() makes a message of a payload and its fields', async t => {
  const made = event({ a: 1 }, { event: 'b', id: 0, retry: 2, comment: 'c' })
  t.ok(made instanceof Message)
  t.strictSame({ ...made }, { event: 'b', data: { a: 1 }, id: 0, retry: 2, comment: 'c' })
  t.strictSame({ ...event(undefined) }, { event: undefined, data: undefined, id: undefined, retry: undefined, comment: undefined })
})

t.test('event() refuses fields that no event has, at the call', async t => {
  for (const fields of [null, 1, 'a', { data: 1 }, { type: 'a' }, Object.create({ Id: 1 })]) {
    t.throws(() => event(1, fields), { code: 'SSE_ERR_MESSAGE' })
  }
})

t.test('comment() makes a comment', async t => {
  t.ok(comment('a') instanceof Comment)
  t.equal(comment('a').text, 'a')
})

t.test('checkpoint() makes a checkpoint, of its own fields only', async t => {
  t.ok(checkpoint({ id: 1 }) instanceof Checkpoint)
  t.strictSame(checkpoint({ id: 1, retry: 2, event: 'a' }).fields, { id: 1, retry: 2, event: 'a' })
  for (const fields of [null, 1, { id: 1, data: 1 }, { id: 1, comment: 'a' }]) t.throws(() => checkpoint(fields as never), { code: 'SSE_ERR_MESSAGE' })
  t.throws(() => checkpoint({ id: undefined } as never), { code: 'SSE_ERR_ID' })
  t.throws(() => checkpoint({ id: 1, event: '$gap' }), { code: 'SSE_ERR_EVENT' }, 'a name of the library would be read as its event')
})

t.test('eventsOf() gives the constructors of a contract by name', async t => {
  const { a, toString } = eventsOf(EventStream({ a: { type: 'number' }, toString: { type: 'string' } }))
  t.ok(a(1) instanceof Message)
  t.strictSame({ ...a(1) }, { ...event(1, { event: 'a' }) })
  t.strictSame({ ...toString('x', { id: 0, retry: 2, comment: 'c' }) }, { ...event('x', { event: 'toString', id: 0, retry: 2, comment: 'c' }) })
  const names = JSON.parse('{ "__proto__": { "type": "number" }, "then": { "type": "number" } }')
  t.strictSame(Object.keys(eventsOf(EventStream(names))), ['__proto__', 'then'])
})

t.test('eventsOf() calls unnamed events message, and gives them no name', async t => {
  const constructors = eventsOf(EventStream({ type: 'number' }))
  t.strictSame(Object.keys(constructors), ['message'])
  t.strictSame({ ...constructors.message(1, { id: 2 }) }, { ...event(1, { id: 2 }) })
  t.equal(eventsOf(EventStream({ message: { type: 'number' } })).message(1).event, 'message', 'a declared name is one')
})

t.test('eventsOf() refuses what is no contract, its constructors what is no field of theirs', async t => {
  for (const contract of [undefined, null, {}, { type: 'string' }, { content: {} }]) t.throws(() => eventsOf(contract as never), { code: 'SSE_ERR_CONTRACT', message: /eventsOf takes what EventStream returned/ })
  const { a } = eventsOf(EventStream({ a: { type: 'number' } }))
  for (const fields of [null, { event: 'b' }, { Id: 1 }]) t.throws(() => a(1, fields as never), { code: 'SSE_ERR_MESSAGE' })
})
