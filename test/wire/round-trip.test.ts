import fc from 'fast-check'
import t from 'tap'
import { comment, event, RawText } from '../../lib/index.ts'
import { type Encode, encoder } from '../helpers/encoder.ts'
import { joined, line, optional, seen, text, wellFormed } from '../helpers/messages.ts'

const BATCH = 100
const RUNS = 500

const id = fc.oneof({ arbitrary: line, weight: 3 }, fc.integer(), fc.double())
const retry = fc.oneof({ arbitrary: fc.nat(), weight: 8 }, fc.double())
const message = fc.record({ data: text, id: optional(id), retry: optional(retry), comment: optional(text) })
type Drawn = typeof message extends fc.Arbitrary<infer M> ? M & { name?: string | undefined } : never

/** What a client has to see of a message, or null where it has to be refused; said again here, apart from the code. */
function expected ({ data, id, retry, comment, name }: Drawn, isRaw: boolean) {
  if (typeof id === 'string' && (/[\0-\x1f\x7f-\x9f]|^ | $/.test(id) || Buffer.byteLength(id) > 1024)) return null // eslint-disable-line no-control-regex
  if (typeof id === 'number' && !Number.isFinite(id)) return null
  if (retry !== undefined && (!Number.isSafeInteger(retry) || retry < 0)) return null
  return {
    event: { id: id === undefined ? undefined : wellFormed(String(id)), event: name === undefined ? undefined : wellFormed(name), data: isRaw ? joined(data) : data },
    // Parsers strip one space after the colon, as they do for fields, and only CR and LF end a comment's line.
    comments: comment === undefined ? [] : joined(comment).split('\n'),
    retries: retry === undefined ? [] : [retry]
  }
}

/** Encodes a batch, and has what came through compared with what was refused and what was not. */
function check (encode: Encode, batch: Drawn[], isRaw: boolean, read: (bytes: Buffer) => Iterable<Uint8Array> = bytes => [bytes]): number {
  let frames = ''
  const wanted: Array<NonNullable<ReturnType<typeof expected>>> = []
  for (const drawn of batch) {
    const { data, name, ...fields } = drawn
    const want = expected(drawn, isRaw)
    try {
      frames += encode(event(data, { ...fields, event: name } as never))
    } catch (error) {
      if (want !== null || !/^SSE_ERR_(ID|RETRY)$/.test((error as { code: string }).code)) throw error
      continue
    }
    if (want === null) throw new Error(`was not refused: ${JSON.stringify(drawn)}`)
    wanted.push(want)
  }
  const { events, comments, retries, strange } = seen(read(Buffer.from(frames)))
  const got = JSON.stringify({ events: events.map(({ id, event, data }) => [id, event, isRaw ? data : JSON.parse(data)]), comments, retries, strange })
  const want = JSON.stringify({
    events: wanted.map(({ event: { id, event, data } }) => [id, event, data]),
    comments: wanted.flatMap(want => want.comments),
    retries: wanted.flatMap(want => want.retries),
    strange: []
  })
  if (got !== want) throw new Error(`${got}\nis not\n${want}`)
  return wanted.length
}

const batches = fc.array(message, { minLength: BATCH, maxLength: BATCH })

t.test('100,000 random messages come back equal or are refused, and nothing is injected', async t => {
  for (const [isRaw, schema] of [[false, { type: 'string' }], [true, RawText()]] as const) {
    const encode = await encoder(schema)
    let accepted = 0
    fc.assert(fc.property(batches, batch => { accepted += check(encode, batch, isRaw) }), { numRuns: RUNS })
    t.ok(accepted > BATCH * RUNS / 4, `${accepted} of ${BATCH * RUNS} came through`)
  }
})

t.test('a name is refused when it is declared, or comes back equal', async () => {
  await fc.assert(fc.asyncProperty(line, batches, async (name, batch) => {
    const isRefused = name === '' || /[\r\n]/.test(name)
    const encode = await encoder({ [name]: RawText() }).catch((error: { code: string }) => error.code)
    if (typeof encode === 'string') return isRefused && encode === 'SSE_ERR_EVENT'
    check(encode, batch.map(message => ({ ...message, name })), true)
    return !isRefused
  }), { numRuns: 50 })
})

t.test('chunks may be split at any byte', async () => {
  const encode = await encoder(RawText())
  fc.assert(fc.property(batches, fc.array(fc.nat(), { minLength: 1, maxLength: 40 }), (batch, cuts) => {
    check(encode, batch, true, bytes => split(bytes, cuts.map(cut => cut % (bytes.length + 1))))
  }), { numRuns: 100 })
  const hardest: Drawn[] = [{ data: 'a\r\n\r😀\n\uFEFF\u2028', id: '😀', retry: 1, comment: 'é\r\n' }, { data: '', id: '', retry: 0, comment: undefined }]
  const length = Buffer.byteLength(hardest.map(({ data, ...fields }) => encode(event(data, fields))).join(''))
  for (let at = 0; at <= length; at++) check(encode, hardest, true, bytes => split(bytes, [at]))
  check(encode, hardest, true, bytes => Array.from(bytes, byte => Uint8Array.of(byte)))
})

function * split (bytes: Buffer, cuts: number[]): Generator<Uint8Array> {
  let from = 0
  for (const to of [...cuts.sort((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(from, to)
    from = to
  }
}

t.test('a comment reaches no listener', async () => {
  const encode = await encoder(RawText())
  fc.assert(fc.property(text, words => {
    const { events, retries, strange, comments } = seen([Buffer.from(encode(comment(words)))])
    return events.length + retries.length + strange.length === 0 && comments.join('\n') === joined(words)
  }), { numRuns: 1000 })
})

t.test('a megabyte is one event', async t => {
  const data = '😀\r\n\u2028"\\ab'.repeat(2 ** 20 / 10)
  const parsed = async (schema: object) => seen([Buffer.from((await encoder(schema))(event(data, { id: 'x'.repeat(1024) })))]).events
  t.ok(Buffer.byteLength(data) > 2 ** 20)
  const [json, ...others] = await parsed({ type: 'string' })
  t.ok(JSON.parse(json!.data) === data)
  t.equal(json!.id?.length, 1024)
  const [raw, ...rest] = await parsed(RawText())
  t.ok(raw!.data === joined(data))
  t.strictSame([others, rest], [[], []])
})
