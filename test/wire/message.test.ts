import t from 'tap'
import { checkFieldNames, Comment, Message } from '../../lib/wire/message.ts'

t.test('a message has its fields as own properties', async t => {
  t.strictSame({ ...new Message(1, { event: 'a', id: 2, retry: 3, comment: 'c' }) }, { event: 'a', data: 1, id: 2, retry: 3, comment: 'c' })
  t.strictSame({ ...new Message(1, {}) }, { event: undefined, data: 1, id: undefined, retry: undefined, comment: undefined })
})

t.test('a comment has its text', async t => {
  t.equal(new Comment('a').text, 'a')
})

t.test('only the fields of an event are taken for fields', async t => {
  checkFieldNames({})
  checkFieldNames({ event: 'a', id: 1, retry: 1, comment: 'a' })
  t.throws(() => checkFieldNames({ evnet: 'a' }), { code: 'SSE_ERR_MESSAGE', message: /unknown field 'evnet'/ })
  t.throws(() => checkFieldNames(null as never), { code: 'SSE_ERR_MESSAGE', message: /must be an object/ })
  t.throws(() => checkFieldNames('a' as never), { code: 'SSE_ERR_MESSAGE', message: /must be an object/ })
})
