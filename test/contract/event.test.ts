import t from 'tap'
import { checkpoint, comment, event } from '../../lib/contract/event.ts'
import { Checkpoint, Comment, Message } from '../../lib/wire/message.ts'

t.test('event() makes a message of a payload and its fields', async t => {
  const made = event({ a: 1 }, { event: 'b', id: 0, retry: 2, comment: 'c' })
  t.ok(made instanceof Message)
  t.strictSame({ ...made }, { event: 'b', data: { a: 1 }, id: 0, retry: 2, comment: 'c' })
  t.strictSame({ ...event(undefined) }, { event: undefined, data: undefined, id: undefined, retry: undefined, comment: undefined })
})

t.test('event() refuses fields that no event has, at the call', async t => {
  for (const fields of [null, 1, 'a', { data: 1 }, { type: 'a' }, Object.create({ Id: 1 })]) {
    t.throws(() => event(1, fields as never), { code: 'SSE_ERR_MESSAGE' })
  }
})

t.test('comment() makes a comment', async t => {
  t.ok(comment('a') instanceof Comment)
  t.equal(comment('a').text, 'a')
})

t.test('checkpoint() makes a checkpoint, of its own fields only', async t => {
  t.ok(checkpoint({ id: 1 }) instanceof Checkpoint)
  t.strictSame({ ...checkpoint({ id: 1, retry: 2, event: 'a' }) }, { id: 1, retry: 2, event: 'a' })
  for (const fields of [null, 1, { id: 1, data: 1 }, { id: 1, comment: 'a' }]) t.throws(() => checkpoint(fields as never), { code: 'SSE_ERR_MESSAGE' })
  t.throws(() => checkpoint({ id: undefined } as never), { code: 'SSE_ERR_ID' })
})
