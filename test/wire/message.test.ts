import t from 'tap'
import { BareFrame, Checkpoint, checkFieldNames, Comment, Message } from '../../lib/wire/message.ts'

t.test('a message has its fields as own properties', async t => {
  t.strictSame({ ...new Message(1, { event: 'a', id: 2, retry: 3, comment: 'c' }) }, { event: 'a', data: 1, id: 2, retry: 3, comment: 'c' })
  t.strictSame({ ...new Message(1, {}) }, { event: undefined, data: 1, id: undefined, retry: undefined, comment: undefined })
})

t.test('a comment has its text', async t => {
  t.equal(new Comment('a').text, 'a')
  t.equal(new Comment('a').toFrame(), ': a\n\n')
  t.ok(new Comment('a') instanceof BareFrame)
})

t.test('a checkpoint is a frame with an id and an empty data line', async t => {
  t.equal(new Checkpoint({ id: 1 }).toFrame(), 'data:\nid: 1\n\n')
  t.equal(new Checkpoint({ id: '', retry: 5, event: 'a' }).toFrame(), 'event: a\ndata:\nretry: 5\nid: \n\n')
  t.ok(new Checkpoint({ id: 1 }) instanceof BareFrame)
  t.throws(() => new Checkpoint({} as never), { code: 'SSE_ERR_ID', message: /got undefined/ })
  for (const [fields, code] of [[{ id: 'a\nb' }, 'SSE_ERR_ID'], [{ id: 1, retry: -1 }, 'SSE_ERR_RETRY'], [{ id: 1, event: 'a\r' }, 'SSE_ERR_EVENT']] as const) {
    t.throws(() => new Checkpoint(fields).toFrame(), { code })
  }
})

t.test('only the fields of an event are taken for fields', async t => {
  checkFieldNames({})
  checkFieldNames({ event: 'a', id: 1, retry: 1, comment: 'a' })
  t.throws(() => checkFieldNames({ evnet: 'a' }), { code: 'SSE_ERR_MESSAGE', message: /unknown field 'evnet'/ })
  t.throws(() => checkFieldNames(null as never), { code: 'SSE_ERR_MESSAGE', message: /must be an object/ })
  t.throws(() => checkFieldNames('a' as never), { code: 'SSE_ERR_MESSAGE', message: /must be an object/ })
})
