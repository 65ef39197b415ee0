import t from 'tap'
import { event, EventStream, type SseOptions } from '../../lib/index.ts'
import { ask, errorLines, unhandledErrors, serve, summaries } from '../helpers/serve.ts'

// As an object, whose payloads have no type: some are to be wrong.
const Numbers = { schema: { response: { 200: EventStream({ type: 'number' } as object) } } }
const ITEMS = [1, 'two', 3, event(4, { id: '\n' }), 5]

const stream = (t: Parameters<typeof serve>[0], options: SseOptions, items: unknown[] = ITEMS) =>
  serve(t, app => { app.get('/', Numbers, (_request, reply) => { reply.sse(items, options) }) })

t.test("onInvalid 'fail', the default, ends the stream with an error that the client sees", async t => {
  for (const options of [{}, { onInvalid: 'fail' as const }, { onInvalid: () => 'fail' as const }]) {
    const served = await stream(t, options)
    const answer = await ask(served, '/')
    t.equal(await answer.ended, 'broken')
    t.match(answer.events, [{ event: undefined, data: '1' }, { event: 'error' }])
    t.equal(answer.events.length, 2)
    t.match(JSON.parse(answer.events[1]!.data), { statusCode: 500, code: 'SSE_ERR_PAYLOAD', error: 'Internal Server Error', message: 'Internal Server Error' })
    t.equal(errorLines(served).length, 1)
    t.match(summaries(served), [{ reason: 'invalid', events: 1 }])
  }
})

t.test("onInvalid 'skip' drops what is refused, payloads and messages, with a line in the log for each", async t => {
  const served = await stream(t, { onInvalid: 'skip' })
  const answer = await ask(served, '/')
  t.equal(await answer.whole(), 'data: 1\n\ndata: 3\n\ndata: 5\n\n')
  t.match(served.lines.filter(({ level }) => level === 40).map(({ err }) => err?.code), ['SSE_ERR_PAYLOAD', 'SSE_ERR_ID'])
  t.strictSame(errorLines(served), [])
  t.match(summaries(served), [{ reason: 'complete', events: 3 }])
})

t.test('onInvalid as a function decides by the error and the item', async t => {
  const asked: unknown[] = []
  const served = await stream(t, {
    onInvalid (error, item) {
      asked.push([(error as Error & { code: string }).code, item])
      return item === 'two' ? 'skip' : 'fail'
    }
  })
  const answer = await ask(served, '/')
  t.equal(await answer.ended, 'broken')
  t.strictSame(answer.events.map(({ data }) => data).slice(0, 2), ['1', '3'])
  t.match(JSON.parse(answer.events[2]!.data), { code: 'SSE_ERR_ID' })
  t.strictSame(asked, [['SSE_ERR_PAYLOAD', 'two'], ['SSE_ERR_ID', ITEMS[3]]])
})

t.test('onInvalid that throws fails the stream, and nothing else', async t => {
  const seen = unhandledErrors(t)
  const served = await stream(t, { onInvalid () { throw new Error('from onInvalid') } })
  const answer = await ask(served, '/')
  t.equal(await answer.ended, 'broken')
  t.equal(answer.events.at(-1)?.event, 'error')
  t.match(errorLines(served).map(({ err }) => err?.message), ['from onInvalid'])
  t.strictSame(seen, [])
})

t.test('onInvalid that answers no policy, or is async, fails the stream with a code', async t => {
  const seen = unhandledErrors(t)
  const answers: Array<[() => unknown, RegExp]> = [
    [() => undefined, /answers undefined$/], [() => 'drop', /answers 'drop'$/], [async () => 'skip', /answers .*Promise/], [async () => { throw new Error('mine') }, /answers .*Promise/]
  ]
  for (const [onInvalid, message] of answers) {
    const served = await stream(t, { onInvalid: onInvalid as never })
    const answer = await ask(served, '/')
    t.equal(await answer.ended, 'broken')
    t.match(errorLines(served), [{ err: { code: 'SSE_ERR_OPTION', message } }])
    t.equal(errorLines(served).length, 1)
  }
  t.strictSame(seen, [])
})

t.test('a stream of which all was dropped ends well', async t => {
  const served = await stream(t, { onInvalid: 'skip' }, ['a', 'b'])
  const answer = await ask(served, '/')
  t.equal(answer.status, 200)
  t.equal(await answer.whole(), '')
})

t.test('shared schemas resolve, those of the scope of the route as well', async t => {
  const served = await serve(t, async app => {
    app.addSchema({ $id: 'price', type: 'object', properties: { price: { $ref: 'amount#' } } })
    app.addSchema({ $id: 'amount', type: 'number' })
    app.get('/root', { schema: { response: { 200: EventStream({ $ref: 'price#' }) } } }, (_request, reply) => { reply.sse([{ price: 1, secret: 2 }]) })
    for (const [scope, type] of [['one', 'number'], ['two', 'string']] as const) {
      await app.register(async app => {
        app.addSchema({ $id: 'scoped', type: 'object', properties: { v: { type, format: type === 'string' ? 'email' : undefined } } })
        app.get(`/${scope}/:ok`, { schema: { response: { 200: EventStream({ a: { $ref: 'scoped#' }, b: { type: 'array', items: { $ref: 'price#' } } }) } } }, (request, reply) => {
          const isOk = (request.params as { ok: string }).ok === 'ok'
          const good = scope === 'one' ? 1 : 'a@b.example'
          reply.sse([{ event: 'a', data: { v: isOk ? good : 'no', secret: 1 } }, { event: 'b', data: [{ price: 2, secret: 3 }] }])
        })
      })
    }
  })
  const body = async (path: string) => (await ask(served, path)).whole()
  t.equal(await body('/root'), 'data: {"price":1}\n\n')
  t.equal(await body('/one/ok'), 'event: a\ndata: {"v":1}\n\nevent: b\ndata: [{"price":2}]\n\n')
  t.equal(await body('/two/ok'), 'event: a\ndata: {"v":"a@b.example"}\n\nevent: b\ndata: [{"price":2}]\n\n')
  for (const path of ['/one/no', '/two/no']) t.match(JSON.parse(await body(path)), { statusCode: 500, code: 'SSE_ERR_PAYLOAD' })
})

t.test('a schema that cannot be compiled is refused when the app gets ready', async t => {
  const listening = serve(t, app => { app.get('/', { schema: { response: { 200: EventStream({ type: 'string', format: 'wat' }) } } }, () => null) })
  await t.rejects(listening, { code: 'SSE_ERR_SCHEMA', message: /unknown format 'wat'/ })
})
