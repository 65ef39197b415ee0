import t from 'tap'
import { resolveOptions, type SseOptions } from '../../lib/response/options.ts'

const DEFAULTS = {
  heartbeat: 15_000, retry: undefined, commitAfter: 100, onInvalid: 'fail', errorEvent: 'error', maxDuration: undefined, shutdownGrace: 1000, strictAccept: false
}
const LONGEST = 2 ** 31 - 1
const decide = () => 'skip' as const

t.test('without options there are the defaults, every one of them decided', async t => {
  t.strictSame(resolveOptions(undefined), DEFAULTS)
  t.strictSame(resolveOptions({}), DEFAULTS)
  t.strictSame(resolveOptions({ heartbeat: undefined, retry: undefined }), DEFAULTS)
})

t.test('the nearest option wins, one by one', async t => {
  const far = resolveOptions({ heartbeat: 5, retry: 6, onInvalid: 'skip' })
  const near = resolveOptions({ heartbeat: false, retry: undefined, maxDuration: 7 }, far)
  t.strictSame(near, { ...DEFAULTS, heartbeat: false, retry: 6, onInvalid: 'skip', maxDuration: 7 })
  t.equal(resolveOptions(undefined, far), far)
})

t.test('what is given is not written to, and what is made cannot be', async t => {
  const given = Object.freeze({ heartbeat: 5 })
  const made = resolveOptions(given)
  t.ok(Object.isFrozen(made))
  t.ok(Object.isFrozen(resolveOptions(undefined)))
  t.strictSame(given, { heartbeat: 5 })
})

const ACCEPTED: { [Name in keyof SseOptions]-?: Array<SseOptions[Name]> } = {
  heartbeat: [1, 1.5, LONGEST, false],
  retry: [0, 1, Number.MAX_SAFE_INTEGER, { min: 0, max: 0 }, { min: 1000, max: 5000 }],
  commitAfter: [0, 0.5, LONGEST, Infinity],
  onInvalid: ['fail', 'skip', decide],
  errorEvent: ['error', 'a b', 'é\0', false, decide],
  maxDuration: [1, LONGEST],
  shutdownGrace: [0, LONGEST],
  strictAccept: [true, false]
}

for (const [name, values] of Object.entries(ACCEPTED)) {
  t.test(`${name} takes what it says`, async t => {
    for (const value of values) t.strictSame(resolveOptions({ [name]: value }), { ...DEFAULTS, [name]: value })
  })
}

const BARE = Object.create(null)
const REFUSED: { [Name in keyof SseOptions]-?: unknown[] } = {
  heartbeat: [0, 0.5, -1, NaN, Infinity, LONGEST + 1, true, null, '15000', BARE],
  retry: [-1, 1.5, NaN, Infinity, 2 ** 53, '1', null, false, 1n, {}, { min: 1 }, { max: 1 }, { min: 2, max: 1 }, { min: -1, max: 1 }, { min: 0, max: 1.5 }, { min: 0, max: 1, step: 1 }],
  commitAfter: [-1, NaN, -Infinity, LONGEST + 1, false, null, '0'],
  onInvalid: ['drop', '', null, true, {}],
  errorEvent: ['', 'a\nb', 'a\r', '$gap', true, null, 1, Symbol('a')],
  maxDuration: [0, -1, NaN, Infinity, LONGEST + 1, false, null],
  shutdownGrace: [-1, NaN, Infinity, LONGEST + 1, false, null, BARE],
  strictAccept: [null, 0, 'true']
}

for (const [name, values] of Object.entries(REFUSED)) {
  t.test(`${name} refuses all else, and says what it takes`, async t => {
    for (const value of values) {
      t.throws(() => resolveOptions({ [name]: value }), { code: 'SSE_ERR_OPTION', message: new RegExp(`^Option \`${name}\` must be .+, got .+`) })
    }
  })
}

t.test('a message tells what was expected and what was got', async t => {
  const message = (options: unknown) => {
    try {
      return resolveOptions(options as never)
    } catch (error) {
      return (error as Error).message
    }
  }
  t.equal(message({ heartbeat: '5' }), "Option `heartbeat` must be a number of milliseconds from 1 to 2147483647, or false, got '5'")
  t.equal(message({ commitAfter: -1 }), 'Option `commitAfter` must be a number of milliseconds from 0 to 2147483647, or Infinity, got -1')
  t.equal(message({ retry: 1.5 }), 'Option `retry` must be an integer of milliseconds >= 0, or { min, max } of them with min <= max, got 1.5')
  t.equal(message({ onInvalid: 'drop' }), "Option `onInvalid` must be 'fail', 'skip' or a function, got 'drop'")
  t.equal(message({ errorEvent: '' }), "Option `errorEvent` must be an event name without CR and LF that does not begin with '$', a function, or false, got ''")
})

t.test('a name that is no option is refused', async t => {
  for (const name of ['heartBeat', 'toString', '__proto__', 'ajv', 'store']) {
    t.throws(() => resolveOptions(JSON.parse(`{ "${name}": 1 }`)), { code: 'SSE_ERR_OPTION', message: /must be one of heartbeat, .+, got an unknown name/ })
  }
})

t.test('only an object has options', async t => {
  for (const given of [null, true, 5, 'a', [], [1], () => {}]) {
    t.throws(() => resolveOptions(given as never), { code: 'SSE_ERR_OPTION', message: /^Option `sse` must be an object, got / })
  }
})
