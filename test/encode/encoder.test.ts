import { Type } from '@sinclair/typebox'
import t from 'tap'
import { undeclaredEncoder } from '../../lib/encode/encoder.ts'
import { checkpoint, comment, event, EventStream, RawText } from '../../lib/index.ts'
import { Outgoing } from '../../lib/wire/frames.ts'
import { encoder, encodeUndeclared, encoderOf, recorder } from '../helpers/encoder.ts'

const NUMBER = { type: 'number' }
const FIELDS = { comment: 'c', retry: 5, id: 7 }

const unnamed = await encoder(NUMBER)
const named = await encoder({ a: NUMBER, b: RawText(), ' :é': { type: 'null' } })
const raw = await encoder(RawText())
const byHand = await encoderOf({ content: { 'text/event-stream': { schema: NUMBER } } })
const rawByHand = await encoderOf({ content: { 'text/event-stream': { schema: RawText() } } })

const FRAMES: Array<[what: string, made: () => string, bytes: string]> = [
  ['a payload', () => unnamed(1), 'data: 1\n\n'],
  ['a message', () => unnamed(event(1)), 'data: 1\n\n'],
  ['a message with all fields', () => unnamed(event(1, FIELDS)), ': c\ndata: 1\nretry: 5\nid: 7\n\n'],
  ['a message with an id', () => unnamed(event(1, { id: 0 })), 'data: 1\nid: 0\n\n'],
  ['a message with an empty id', () => unnamed(event(1, { id: '' })), 'data: 1\nid: \n\n'],
  ['a message with retry', () => unnamed(event(1, { retry: 0 })), 'data: 1\nretry: 0\n\n'],
  ['a message with an empty comment', () => unnamed(event(1, { comment: '' })), ': \ndata: 1\n\n'],
  ['a message with a comment over lines', () => unnamed(event(1, { comment: 'a\r\nb' })), ': a\n: b\ndata: 1\n\n'],
  ['a comment', () => unnamed(comment('a\nb')), ': a\n: b\n\n'],
  ['a contract written by hand', () => byHand(event(1, FIELDS)), ': c\ndata: 1\nretry: 5\nid: 7\n\n'],
  ['raw text in a contract written by hand', () => rawByHand('a\nb'), 'data: a\ndata: b\n\n'],
  ['a named event', () => named(event(1, { event: 'a' })), 'event: a\ndata: 1\n\n'],
  ['a named event as an object', () => named({ event: 'a', data: 1 }), 'event: a\ndata: 1\n\n'],
  ['a named event with all fields', () => named(event(1, { event: 'a', ...FIELDS })), ': c\nevent: a\ndata: 1\nretry: 5\nid: 7\n\n'],
  ['a named event as an object with all fields', () => named({ event: 'a', data: 1, ...FIELDS }), ': c\nevent: a\ndata: 1\nretry: 5\nid: 7\n\n'],
  ['fields that are undefined', () => named({ event: 'a', data: 1, id: undefined, retry: undefined, comment: undefined }), 'event: a\ndata: 1\n\n'],
  ['a name that is hard', () => named(event(null, { event: ' :é' })), 'event:  :é\ndata: null\n\n'],
  ['raw text beside JSON', () => named({ event: 'b', data: 'a\rb' }), 'event: b\ndata: a\ndata: b\n\n'],
  ['a comment among named events', () => named(comment('x')), ': x\n\n'],
  ['a checkpoint', () => unnamed(checkpoint({ id: 1 })) + named(checkpoint({ id: 1 })) + encodeUndeclared(checkpoint({ id: 1 })), 'data:\nid: 1\n\n'.repeat(3)],
  ['raw text', () => raw('a'), 'data: a\n\n'],
  ['raw text that is empty', () => raw(''), 'data: \n\n'],
  ['raw text over lines', () => raw('a\r\nb\rc\nd\n'), 'data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n'],
  ['raw text with fields', () => raw(event('a', FIELDS)), ': c\ndata: a\nretry: 5\nid: 7\n\n'],
  ['any payload', () => encodeUndeclared({ a: [1, 'b\n'] }), 'data: {"a":[1,"b\\n"]}\n\n'],
  ['any message', () => encodeUndeclared(event(null, { event: 'a', ...FIELDS })), ': c\nevent: a\ndata: null\nretry: 5\nid: 7\n\n'],
  ['any message without a name', () => encodeUndeclared(event(false)), 'data: false\n\n'],
  ['an object that looks like a message, where nothing is declared', () => encodeUndeclared({ event: 'a', data: 1 }), 'data: {"event":"a","data":1}\n\n'],
  ['a comment where nothing is declared', () => encodeUndeclared(comment('x')), ': x\n\n']
]

for (const [what, made, bytes] of FRAMES) {
  t.test(`the bytes of ${what}`, async t => { t.equal(made(), bytes) })
}

t.test('any JSON is one line', async t => {
  const encode = await encoder({})
  t.equal(encode('\r\n\u2028\0"\uD800'), 'data: "\\r\\n\u2028\\u0000\\"\\ud800"\n\n')
  t.equal(encode({ 'a\nb': '\n' }), 'data: {"a\\nb":"\\n"}\n\n')
})

const REFUSED: Array<[what: string, made: () => string, code: string, message?: RegExp]> = [
  ['a name where events have none', () => unnamed(event(1, { event: 'a' })), 'SSE_ERR_EVENT', /'a' is not declared: the events of this stream have no name/],
  ['a symbol for a name where events have none', () => unnamed(event(1, { event: Symbol('a') as never })), 'SSE_ERR_EVENT', /Symbol\(a\)/],
  ['a name that is not declared', () => named({ event: 'c', data: 1 }), 'SSE_ERR_EVENT', /name 'c' is not declared: the events of this stream are 'a', 'b', ' :é'$/],
  ['a name that objects have', () => named({ event: 'toString', data: 1 }), 'SSE_ERR_EVENT', /'toString' is not declared/],
  ['no name', () => named(event(1)), 'SSE_ERR_EVENT', /name is missing: the events of this stream are 'a', 'b', ' :é'$/],
  ['a name that is no string', () => named(event(1, { event: Symbol('a') as never })), 'SSE_ERR_EVENT', /is missing/],
  ['a bare payload among named events', () => named({ a: 1 }), 'SSE_ERR_EVENT', /is missing/],
  ['an array among named events', () => named([]), 'SSE_ERR_EVENT', /is missing/],
  ['a string among named events', () => named('a'), 'SSE_ERR_MESSAGE', /expected \{ event, data \}, got string/],
  ['null among named events', () => named(null), 'SSE_ERR_MESSAGE', /got null/],
  ['undefined among named events', () => named(undefined), 'SSE_ERR_MESSAGE', /got undefined/],
  ['a field that no event has', () => named({ event: 'a', data: 1, Id: 1 }), 'SSE_ERR_MESSAGE', /unknown field 'Id'/],
  ['a comment that is no text', () => unnamed(comment(1 as never)), 'SSE_ERR_MESSAGE', /must be a string/],
  ['a comment of an event that is no text', () => unnamed(event(1, { comment: null as never })), 'SSE_ERR_MESSAGE', /must be a string/],
  ['an id with a line end', () => unnamed(event(1, { id: 'a\nb' })), 'SSE_ERR_ID'],
  ['a retry below 0', () => unnamed(event(1, { retry: -1 })), 'SSE_ERR_RETRY'],
  ['no data', () => named({ event: 'a' }), 'SSE_ERR_PAYLOAD', /payload of event 'a'/],
  ['a name with a line end where nothing is declared', () => encodeUndeclared(event(1, { event: 'a\nid: 1' })), 'SSE_ERR_EVENT'],
  ['an empty name where nothing is declared', () => encodeUndeclared(event(1, { event: '' })), 'SSE_ERR_EVENT'],
  ['null for a name where nothing is declared', () => encodeUndeclared(event(1, { event: null as never })), 'SSE_ERR_EVENT'],
  ['undefined where nothing is declared', () => encodeUndeclared(undefined), 'SSE_ERR_PAYLOAD', /'message' is invalid: got undefined/],
  ['a function where nothing is declared', () => encodeUndeclared(event(() => {}, { event: 'a' })), 'SSE_ERR_PAYLOAD', /'a' is invalid: got a function/],
  ['bytes where nothing is declared', () => encodeUndeclared(Buffer.from('a')), 'SSE_ERR_PAYLOAD', /got bytes: decode them first/],
  ['a BigInt where nothing is declared', () => encodeUndeclared([1n]), 'SSE_ERR_PAYLOAD', /'message' is invalid at '\/0': got a BigInt/],
  ['a toJSON() that gives nothing where nothing is declared', () => encodeUndeclared({ toJSON () {} }), 'SSE_ERR_PAYLOAD', /got undefined/],
  ['raw text that is no string', () => raw(1), 'SSE_ERR_PAYLOAD', /must be string, got number/],
  ['an object without a class for raw text', () => raw(Object.create(null)), 'SSE_ERR_PAYLOAD', /must be string, got object/],
  ['an array for raw text', () => raw([]), 'SSE_ERR_PAYLOAD', /must be string, got Array/],
  ['null for raw text', () => raw(null), 'SSE_ERR_PAYLOAD', /must be string, got object/]
]

for (const [what, made, code, message = /./] of REFUSED) {
  t.test(`${what} is refused`, async t => { t.throws(made, { code, message }) })
}

t.test('the message is checked before its payload', async t => {
  t.throws(() => unnamed(event('no number', { id: '\n' })), { code: 'SSE_ERR_ID' })
  t.throws(() => unnamed(event('no number', { retry: -1 })), { code: 'SSE_ERR_RETRY' })
  t.throws(() => named(event('no number', { event: 'c' })), { code: 'SSE_ERR_EVENT' })
  t.throws(() => named({ event: 'a', data: 'no number', Id: 1 }), { code: 'SSE_ERR_MESSAGE' })
})

t.test('raw text is checked, and is not the sentinel', async t => {
  const encode = await encoder(RawText({ type: 'string', maxLength: 8 }), { sentinel: '[DONE]' })
  t.equal(encode('[DONE] '), 'data: [DONE] \n\n')
  t.equal(encode('[DONE]\n'), 'data: [DONE]\ndata: \n\n')
  t.throws(() => encode('[DONE]'), { code: 'SSE_ERR_PAYLOAD', message: /must not be the sentinel/, event: 'message', pointer: '' })
  t.throws(() => encode('123456789'), { code: 'SSE_ERR_PAYLOAD', message: /must NOT have more than 8 characters/ })
  const beside = await encoder({ a: RawText() }, { sentinel: '[DONE]' })
  t.equal(beside({ event: 'a', data: '[DONE]' }), 'event: a\ndata: [DONE]\n\n')
})

t.test('a content whose schema is none is refused; true is one that takes anything', async t => {
  const encode = await encoderOf({ content: { 'text/event-stream': { schema: true } } })
  t.equal(encode([null]), 'data: [null]\n\n')
  for (const schema of [false, undefined, null, 'string', []]) {
    await t.rejects(async () => encoderOf({ content: { 'text/event-stream': { schema } } }), { code: 'SSE_ERR_SCHEMA', message: /it must be an object/ })
  }
})

t.test('a contract is not the object that a later change is made to', async t => {
  const events: Record<string, object> = { a: NUMBER }
  const response = EventStream(events)
  events.b = NUMBER
  const encode = await encoderOf(response)
  t.throws(() => encode({ event: 'b', data: 1 }), { code: 'SSE_ERR_EVENT' })
})

t.test('the record of an event is its name and the text of its payload, without a position', async t => {
  const unnamed = await recorder(NUMBER)
  const named = await recorder({ a: { type: 'object', properties: { n: NUMBER } }, b: RawText() })
  t.strictSame(unnamed.record(1), { event: '', data: '1' })
  t.strictSame(unnamed.record(event(1, FIELDS)), { event: '', data: '1' })
  t.strictSame(named.record({ event: 'a', data: { n: 1 } }), { event: 'a', data: '{"n":1}' })
  t.strictSame(named.record(event('x\ny', { event: 'b' })), { event: 'b', data: 'x\ny' })
  t.strictSame(undeclaredEncoder.record([1]), { event: '', data: '[1]' })
  t.strictSame(undeclaredEncoder.record(event(1, { event: 'a' })), { event: 'a', data: '1' })
})

t.test('what is no event has no record', async t => {
  const unnamed = await recorder(NUMBER)
  const named = await recorder({ a: NUMBER })
  for (const { record } of [unnamed, named, undeclaredEncoder].map(encoder => ({ record: (item: unknown) => encoder.record(item) }))) {
    t.throws(() => record(comment('x')), { code: 'SSE_ERR_MESSAGE' })
    t.throws(() => record(checkpoint({ id: 1 })), { code: 'SSE_ERR_MESSAGE' })
  }
  t.throws(() => unnamed.record('x'), { code: 'SSE_ERR_PAYLOAD' })
  t.throws(() => unnamed.record(event(1, { event: 'a' })), { code: 'SSE_ERR_EVENT' })
  t.throws(() => named.record(1), { code: 'SSE_ERR_MESSAGE' })
  t.throws(() => named.record({ event: 'b', data: 1 }), { code: 'SSE_ERR_EVENT' })
  t.throws(() => named.record({ event: 'a', data: 'x' }), { code: 'SSE_ERR_PAYLOAD' })
})

t.test('a frame says whether a client can resume after it; a refused one leaves no trace', async t => {
  const unnamed = await recorder(NUMBER)
  const out = new Outgoing()
  t.equal(out.isResumable, false)
  for (const [item, isResumable] of [[event(1, { id: 0 }), true], [comment('x'), true], [1, false], [checkpoint({ id: 1 }), true], [event(2), false], [event(2, { id: '' }), true], [event(3), false]] as const) {
    unnamed.frame(item, out)
    t.equal(out.isResumable, isResumable)
  }
  const { text } = out
  t.throws(() => unnamed.frame(event('x', { comment: 'c', id: 1 }), out), { code: 'SSE_ERR_PAYLOAD' })
  t.throws(() => unnamed.frame(event(1, { comment: 'c', retry: -1 }), out), { code: 'SSE_ERR_RETRY' })
  t.equal(out.text, text)
  t.equal(out.events, 5)
  t.equal(out.isResumable, false)
})

/** How other libraries take an event, where its payload is expected. */
const HABITS: Array<[item: unknown, reason: RegExp]> = [
  ['{"text":"a"}', /\(got JSON: give the value, it is serialized here\)$/],
  [' [1]', /\(got JSON: give the value, it is serialized here\)$/],
  ['text', /object$/],
  [{ data: { text: 'a' } }, /\(got the fields of an event: this is its payload alone, write `event\(payload, \{ id \}\)`\)$/],
  [{ type: 'note', id: 1, data: '{}', retry: 5 }, /\(got the fields of an event: /],
  [{ data: { text: 'a' }, other: 1 }, /(property|properties)( 'text'| text)?$/],
  [{ id: 1 }, /(property|properties)( 'text'| text)?$/],
  [{ text: 1, data: 1 }, /string$/],
  [[], /object$/]
]

for (const [library, schema] of Object.entries({ TypeBox: Type.Object({ text: Type.String() }), 'JSON Schema': { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } })) {
  t.test(`what other libraries take for an event is refused with what to write instead: ${library}`, async t => {
    const encode = await encoder(schema)
    for (const [item, message] of HABITS) t.throws(() => encode(item), { code: 'SSE_ERR_PAYLOAD', message }, JSON.stringify(item))
    t.throws(() => encode(event('{"text":"a"}', { id: 1 })), { code: 'SSE_ERR_PAYLOAD', message: /got JSON/ })
  })
}
