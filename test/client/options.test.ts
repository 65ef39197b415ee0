// Wrong options of the client: each is refused where it is given, before anything is requested.
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import t from 'tap'
import { connect, OptionError, parse } from '../../lib/client/index.ts'
import { EventStream } from '../../lib/index.ts'
import { injectStream } from '../../lib/testing/index.ts'
import Fastify from 'fastify'

const Chat = EventStream({ token: Type.String() })
const nothing = (): never => { throw new Error('was called') }

type Case = [options: unknown, message: string]

const NUMBERS: Case[] = [NaN, -1, -Infinity, '1', null, true, {}, 1n].map(value => [value, typeof value === 'object' && value !== null ? 'object' : typeof value === 'string' ? `'${value}'` : String(value)])

/** Those of `parse`, which `connect` has too. */
const WRONG: Case[] = [
  ['text', "`options` must be an object, got 'text'"],
  [5, '`options` must be an object, got 5'],
  [nothing, '`options` must be an object, got function'],
  ...NUMBERS.map(([maxEventSize, found]): Case => [{ maxEventSize }, `\`maxEventSize\` must be a number >= 0, got ${found}`]),
  [{ contract: 'Chat' }, "`contract` must be an object, got 'Chat'"],
  [{ contract: Chat.content }, '`contract` must be what EventStream returned, which `check` needs, got object'],
  [{ check: Value.Check }, '`contract` must be what EventStream returned, which `check` needs, got undefined'],
  [{ contract: Chat, check: true }, '`check` must be a function, got true'],
  [{ raw: 'line' }, "`raw` must be an object or true, got 'line'"],
  [{ raw: false }, '`raw` must be an object or true, got false'],
  [{ raw: null }, '`raw` must be an object or true, got null'],
  [{ sentinel: true }, '`sentinel` must be a string, got true'],
  [{ errorEvent: true }, '`errorEvent` must be a string or false, got true'],
  [{ errorEvent: nothing }, '`errorEvent` must be a string or false, got function'],
  [{ onInvalid: 'drop' }, "`onInvalid` must be a function, 'fail' or 'skip', got 'drop'"],
  [{ onInvalid: false }, "`onInvalid` must be a function, 'fail' or 'skip', got false"],
  [{ onGap: 'skip' }, "`onGap` must be a function, got 'skip'"],
  [{ onGap: Symbol('x') }, '`onGap` must be a function, got Symbol(x)'],
  [{ onGap: Object.create(null) }, '`onGap` must be a function, got object'],
  [{ sentinal: 'x' }, '`sentinal` must be sentinel, got an unknown name'],
  [{ onInValid: 'skip' }, '`onInValid` must be onInvalid, got an unknown name'],
  [{ maxEventsize: 5 }, '`maxEventsize` must be maxEventSize, got an unknown name']
]

/** Those of `connect` alone. */
const WRONG_OF_CONNECT: Case[] = [
  ...NUMBERS.map(([heartbeat, found]): Case => [{ heartbeat }, `\`heartbeat\` must be a number >= 0 or false, got ${found}`]),
  ...(['delay', 'maxDelay', 'attempts'] as const).flatMap(name => NUMBERS.map(([value, found]): Case => [{ backoff: { [name]: value } }, `\`${name}\` must be a number >= 0, got ${found}`])),
  [{ backoff: 1000 }, '`backoff` must be an object, got 1000'],
  [{ backoff: { max: 5 } }, '`max` must be delay or maxDelay or attempts, got an unknown name'],
  [{ backoff: { Delay: 5 } }, '`Delay` must be delay, got an unknown name'],
  [{ method: 5 }, '`method` must be a string, got 5'],
  [{ fetch: 'x' }, "`fetch` must be a function, got 'x'"],
  [{ signal: new AbortController() }, '`signal` must be an AbortSignal, got an object'],
  [{ signal: 5 }, '`signal` must be an object, got 5'],
  [{ lastEventId: 5 }, '`lastEventId` must be a string, got 5'],
  [{ reconnect: 'yes' }, "`reconnect` must be a boolean, got 'yes'"],
  [{ reconnect: 3 }, '`reconnect` must be a boolean, got 3'],
  [{ shouldRetry: true }, '`shouldRetry` must be a function, got true'],
  [{ share: true }, '`share` must be a function, got true'],
  [{ onStateChange: {} }, '`onStateChange` must be a function, got object'],
  [{ body: new ReadableStream() }, '`body` must be what can be sent again, got a stream: read it first'],
  [{ hartbeat: 5 }, '`hartbeat` must be heartbeat, got an unknown name'],
  [{ heartBeats: 5 }, '`heartBeats` must be heartbeat, got an unknown name'],
  [{ lasteventid: 'x' }, '`lasteventid` must be lastEventId, got an unknown name'],
  [{ 'back-off': {} }, '`back-off` must be backoff, got an unknown name'],
  [{ shouldretry: nothing }, '`shouldretry` must be shouldRetry, got an unknown name'],
  [{ reconect: true }, '`reconect` must be reconnect, got an unknown name'],
  [{ onStatechanged: nothing }, '`onStatechanged` must be onStateChange, got an unknown name'],
  [{ metod: 'PUT' }, '`metod` must be method, got an unknown name']
]

for (const [options, message] of [...WRONG, ...WRONG_OF_CONNECT]) {
  t.test(`connect refuses: ${message}`, async t => {
    t.throws(() => connect('http://127.0.0.1:1', options as never), { name: 'OptionError', code: 'SSE_ERR_OPTION', message: `Option ${message}` })
  })
}

for (const [options, message] of WRONG) {
  t.test(`parse refuses: ${message}`, async t => {
    t.throws(() => parse('', options as never), { name: 'OptionError', code: 'SSE_ERR_OPTION', message: `Option ${message}` })
  })
}

t.test('injectStream refuses wrong options of parse', async t => {
  const app = Fastify()
  app.get('/', () => '')
  await t.rejects(injectStream(app, { url: '/', maxEventSize: NaN }), { code: 'SSE_ERR_OPTION' })
})

t.test('an OptionError is a TypeError, and exported', async t => {
  try {
    connect('', { heartbeat: NaN })
    t.fail()
  } catch (error) {
    t.type(error, OptionError)
    t.type(error, TypeError)
  }
})

t.test('takes all that is documented, and undefined for none', async t => {
  const right: object[] = [
    {},
    { contract: Chat, check: Value.Check, onInvalid: 'skip' },
    { contract: { content: { 'text/event-stream': { schema: {} } } } },
    { raw: true, sentinel: '', errorEvent: false, onInvalid: 'fail' },
    { raw: { content: true, line: true }, errorEvent: 'oops', onInvalid: nothing, onGap: nothing, maxEventSize: Infinity },
    { heartbeat: false, backoff: {}, reconnect: false, lastEventId: '' },
    { heartbeat: Infinity, backoff: { delay: 0, maxDelay: 0.5, attempts: Infinity }, reconnect: true, signal: new AbortController().signal },
    { fetch: nothing, shouldRetry: nothing, share: nothing, onStateChange: nothing, method: 'put', headers: nothing, body: { a: 1 } },
    Object.fromEntries(['contract', 'raw', 'sentinel', 'check', 'heartbeat', 'backoff', 'signal', 'body', 'share'].map(name => [name, undefined])),
    { backoff: { delay: undefined } }
  ]
  for (const options of right) t.doesNotThrow(() => connect('/', options), Object.keys(options).join())
  t.doesNotThrow(() => connect('/', null as never).close(), 'null')
})

// RequestInit of the browsers, and what Node, Bun, Deno, Cloudflare, Next.js and React Native add to it.
const OF_FETCH = [
  'method', 'headers', 'body', 'mode', 'credentials', 'cache', 'redirect', 'referrer', 'referrerPolicy', 'integrity', 'keepalive', 'duplex', 'priority', 'window',
  'attributionReporting', 'browsingTopics', 'adAuctionHeaders', 'sharedStorageWritable', 'privateToken', 'targetAddressSpace', 'dispatcher', 'proxy', 'tls', 'unix',
  'verbose', 'decompress', 'client', 'cf', 'next', 'reactNative', 'timeout', 'agent', 'compress', 'size', 'follow', 'retry', 'onRequest'
]

t.test('passes the options of any fetch on', async t => {
  for (const name of OF_FETCH) t.doesNotThrow(() => connect('/', { [name]: name === 'method' ? 'GET' : {} } as never).close(), name)
})
