import t from 'tap'
import { declarationOf } from '../../lib/contract/declaration.ts'
import { EventStream } from '../../lib/contract/event-stream.ts'

const schema = { type: 'string' }

t.test('a content written by hand is a stream of unnamed events', async t => {
  for (const name of ['text/event-stream', 'Text/Event-Stream', 'text/event-stream; charset=utf-8', ' text/event-stream ;x=y']) {
    t.strictSame(declarationOf({ content: { [name]: { schema } } }), { events: new Map([['', schema]]), sentinel: undefined, id: false, retry: false })
  }
})

t.test('a stream is found beside other media types', async t => {
  const { content } = EventStream({ a: schema }, { sentinel: 'x' })
  t.match(declarationOf({ content: { 'application/json': { schema }, ...content } }), { events: new Map([['a', schema]]), sentinel: 'x' })
})

t.test('a response without a stream has no declaration', async t => {
  const others: unknown[] = [
    undefined, null, 1, 'a', [], {}, schema, { content: null }, { content: [] }, { content: 'text/event-stream' }, { content: {} },
    { content: { 'application/json': { schema } } }, { content: { 'text/event-streams': { schema } } }, { content: { 'text/event-stream': null } }
  ]
  for (const other of others) t.equal(declarationOf(other), undefined)
})
