import { readFileSync } from 'node:fs'
import createError, { FastifyError } from '@fastify/error'
import t from 'tap'
import * as constructors from '../lib/errors.ts'
import { errors } from '../lib/index.ts'

const guide = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
const codes = Object.keys(constructors).sort()

type Constructor = new (...args: unknown[]) => Error & { code: string, statusCode: number }
const classes = Object.entries(constructors as unknown as Record<string, Constructor>)

t.test('each error is named by its code', async t => {
  for (const [name, SomeError] of classes) {
    const error = new SomeError('one', 'two', 'three')
    t.match(name, /^SSE_ERR_[A-Z_]+$/)
    t.equal(error.code, name)
    t.ok(error instanceof Error)
    t.ok(error.statusCode >= 400 && error.statusCode < 600)
    t.notMatch(error.message, /undefined/, 'every part of the message is given')
  }
})

t.test('errors have the form that those of @fastify/error have', async t => {
  const Theirs = createError<[string, string, ErrorOptions]>('SSE_ERR_SCHEMA', 'The schema of %s cannot be used: %s', 500, TypeError)
  const cause = new Error('the reason')
  const [theirs, ours] = [new Theirs('a', 'b', { cause }), new errors.SSE_ERR_SCHEMA('a', 'b', { cause })]
  t.ok(ours instanceof TypeError)
  for (const key of ['name', 'code', 'statusCode', 'message', 'cause'] as const) t.equal(ours[key], theirs[key], key)
  t.equal(String(ours), String(theirs))
  t.equal(ours.stack!.split('\n')[0], theirs.stack!.split('\n')[0])
  t.match(ours.stack!.split('\n')[1], /errors\.test\.ts/, 'the stack begins where the error was made')
  t.equal(ours.constructor.name, theirs.constructor.name, 'which loggers show as the type')
  t.notOk('cause' in new errors.SSE_ERR_SCHEMA('a', 'b'))
})

t.test('instanceof goes by the code, across copies of the package and @fastify/error', async t => {
  const { SSE_ERR_ID, SSE_ERR_RETRY } = errors
  const Copy = createError('SSE_ERR_ID', 'another copy')
  t.ok(new Copy() instanceof SSE_ERR_ID)
  t.ok(new SSE_ERR_ID('x') instanceof Copy)
  t.ok(new SSE_ERR_ID('x') instanceof FastifyError)
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  for (const value of [proxy, new SSE_ERR_RETRY('x'), new Error('x'), { code: 'SSE_ERR_ID' }, null, undefined, 'SSE_ERR_ID']) t.notOk(value instanceof SSE_ERR_ID)
})

t.test('the reasons of a signal are AbortErrors', async t => {
  for (const [name, SomeError] of classes) {
    const isReason = /_(SHUTDOWN|CLIENT_GONE|MAX_DURATION|STOPPED)$/.test(name)
    const error = new SomeError('one')
    t.equal(error.name, isReason ? 'AbortError' : 'FastifyError', name)
    t.equal(error.stack!.split(':')[0], error.name)
    t.equal(SomeError.name, error.name)
  }
})

t.test('an error keeps what its message is made of in fields', async t => {
  const { SSE_ERR_PAYLOAD, SSE_ERR_GAP } = errors
  const error = new SSE_ERR_PAYLOAD('tick', '/a', 'must be number')
  t.strictSame({ ...error }, { code: 'SSE_ERR_PAYLOAD', statusCode: 500, event: 'tick', pointer: '/a', reason: 'must be number' })
  t.equal(error.message, "The payload of event 'tick' is invalid at '/a': must be number")
  t.equal(new SSE_ERR_PAYLOAD('tick', '', 'must be number').message, "The payload of event 'tick' is invalid: must be number", 'the whole payload needs no pointer')
  t.match(new SSE_ERR_GAP('a.0-1', 'a.0-9'), { after: 'a.0-1', next: 'a.0-9' })
})

t.test('users get them all', async t => {
  t.strictSame(Object.keys(errors).sort(), codes)
})

t.test('each code has its heading in the guide, and each heading its code', async t => {
  t.strictSame(Array.from(guide.matchAll(/^### `(SSE_ERR_\w+)`$/gm), match => match[1]).sort(), codes)
})
