import t from 'tap'
import { type Batch, type Pull, type PulledEntry } from '../../lib/log/reading.ts'
import { type FeedSink } from '../../lib/response/feed.ts'
import { ChoosyReader, type Choice } from '../../lib/topic/choosy-reader.ts'
import { Frames } from '../../lib/wire/frames.ts'

function entryOf (n: number, text = ''): PulledEntry {
  return { entry: { id: `1-${n}`, kind: 'event', type: '', data: `${n}`, meta: '' }, id: `t.1-${n}`, frames: Frames.of(`data: ${n}${text}\n\n`, 1) }
}

/** A log of which each batch is there at once, up to `undefined`; then the reader is at the tail for good. */
class FakePull implements Pull {
  readonly #batches: Array<Batch | undefined>
  readonly isCurrent = false
  id: string | null = null

  constructor (...batches: Array<Batch | undefined>) {
    this.#batches = batches
  }

  async next (): Promise<Batch | null> {
    return this.#take() ?? new Promise(() => {})
  }

  async more (): Promise<Batch | undefined> {
    return this.#take()
  }

  stop (): void {}

  #take (): Batch | undefined {
    const batch = this.#batches.shift()
    this.id = batch?.entries?.at(-1)?.id ?? this.id
    return batch
  }
}

const GAP: Batch = { beginning: { reason: 'gap', gap: { after: 't.1-2', next: 't.1-9' }, id: 't.1-8' } }
const CHOICE: Choice = { begin: () => Frames.of('gap\n\n', 0), end: () => ({ last: null, isGood: true }) }
const number = ({ entry }: PulledEntry) => Number(entry.data)

/** Reads until a text was written. The sink is full after each of the frames in `full`. */
async function read (pull: Pull, choice: Partial<Choice>, last: string, full: readonly string[] = []) {
  const written: string[] = []
  let arrived = () => {}
  const done = new Promise<void>(resolve => { arrived = resolve })
  const blocked: number[] = []
  const sink: FeedSink = {
    direct: null,
    onBlocked () {},
    writeFrames (frames) {
      const text = frames.bytes.toString().replaceAll('\n\n', '')
      written.push(text)
      if (text.startsWith(last)) arrived()
      if (!full.includes(text)) return true
      blocked.push(written.length)
      setImmediate(() => {
        if (reader.isBlocked) blocked.push(written.length)
        reader.resume()
      })
      return false
    },
    end () { arrived() },
    fail (error) { throw error }
  }
  const reader = new ChoosyReader(pull, sink, { ...CHOICE, ...choice }).start()
  await done
  reader.stop()
  return { written, blocked }
}

t.test('of each key the newest of everything that is there, whatever batch it comes in', async t => {
  const pull = new FakePull({ entries: [entryOf(1), entryOf(2), entryOf(3)] }, { entries: [entryOf(4), entryOf(5)] }, undefined, { entries: [entryOf(6)] })
  const { written } = await read(pull, { keyOf: entry => number(entry) % 2 === 0 ? 'even' : undefined }, 'data: 6')
  t.strictSame(written, ['data: 1', 'data: 3', 'data: 4', 'data: 5', 'data: 6'])
})

t.test('what the filter leaves out is not the newest of its key', async t => {
  const pull = new FakePull({ entries: [entryOf(1), entryOf(2)] }, { entries: [entryOf(3), entryOf(4)] })
  const { written } = await read(pull, { keyOf: () => 'all', takes: entry => number(entry) < 4 }, 'data: 3')
  t.strictSame(written, ['data: 3'])
})

t.test('a gap comes after what was before it', async t => {
  const pull = new FakePull({ entries: [entryOf(1), entryOf(2)] }, GAP, { entries: [entryOf(9)] })
  const { written } = await read(pull, { keyOf: () => 'all' }, 'data: 9')
  t.strictSame(written, ['data: 2', 'gap', 'data: 9'])
})

t.test('nothing is written while the client does not read', async t => {
  const pull = new FakePull({ entries: [entryOf(1), entryOf(2)] }, { entries: [entryOf(3)] })
  const { written, blocked } = await read(pull, {}, 'data: 3', ['data: 1', 'data: 2'])
  t.strictSame(written, ['data: 1', 'data: 2', 'data: 3'])
  t.strictSame(blocked, [1, 1, 2, 2])
})

t.test('much at once leaves others their turn', async t => {
  const pull = new FakePull({ entries: [1, 2, 3].map(n => entryOf(n, 'x'.repeat(70_000))) })
  let turns = 0
  let beat = setImmediate(function again () {
    turns++
    beat = setImmediate(again)
  })
  const { written } = await read(pull, {}, 'data: 3')
  clearImmediate(beat)
  t.equal(written.length, 3)
  t.ok(turns >= 2, `${turns} turns`)
})

/** A reader of a log that gives what it is told to. */
function start (next: () => Promise<Batch | null>, choice: Partial<Choice> = {}) {
  const calls: unknown[] = []
  const pull: Pull = { isCurrent: true, id: 't.1-9', next, more: async () => undefined, stop () { calls.push('stop') } }
  const sink: FeedSink = {
    direct: null,
    onBlocked () {},
    writeFrames (frames) { calls.push(frames.bytes.toString()); return true },
    end (_last, isGood) { calls.push(`end ${isGood}`) },
    fail (error) { calls.push(error) }
  }
  return { reader: new ChoosyReader(pull, sink, { ...CHOICE, ...choice }).start(), calls }
}

const settled = () => new Promise(resolve => setImmediate(resolve))

t.test('a log that cannot be read fails the stream, unless that was stopped', async t => {
  const down = new Error('down')
  const { calls } = start(() => Promise.reject(down))
  await settled()
  t.strictSame(calls, ['stop', down])
  let fail = (_error: Error) => {}
  const stopped = start(() => new Promise((_resolve, reject) => { fail = reject }))
  stopped.reader.stop()
  fail(down)
  await settled()
  t.strictSame(stopped.calls, ['stop'])
})

t.test('nothing is written, and no end told, once it was stopped', async t => {
  for (const batch of [{ end: null }, { entries: [entryOf(1)] }, null]) {
    let give = (_batch: Batch | null) => {}
    const { reader, calls } = start(() => new Promise(resolve => { give = resolve }))
    reader.stop()
    give(batch)
    await settled()
    t.strictSame(calls, ['stop'])
  }
})

t.test('a beginning may take a while, or have nothing to show', async t => {
  const batches = [GAP, GAP]
  const begins = [Promise.resolve(Frames.of('late\n\n', 0)), null]
  const { calls } = start(async () => batches.shift() ?? new Promise(() => {}), { begin: () => begins.shift()! })
  await settled()
  t.strictSame(calls, ['late\n\n'])
})

t.test('a heartbeat shows a place that was not shown yet', async t => {
  const { reader, calls } = start(() => new Promise(() => {}))
  t.match(reader.beat()?.bytes.toString(), /id: t\.1-9/)
  t.equal(reader.beat(), null)
  t.strictSame(calls, [])
  const nowhere = new ChoosyReader(new FakePull(), { direct: null, onBlocked () {}, writeFrames: () => true, end () {}, fail () {} }, CHOICE)
  t.equal(nowhere.beat(), null)
})

t.test('a heartbeat does not show a place before the events up to it were written', async t => {
  class SlowPull extends FakePull {
    override async more (): Promise<undefined> {
      // The store is down: what else there is is not known yet.
      return new Promise(() => {})
    }
  }
  const written: string[] = []
  const sink: FeedSink = { direct: null, onBlocked () {}, writeFrames (frames) { written.push(frames.bytes.toString()); return true }, end () {}, fail () {} }
  const reader = new ChoosyReader(new SlowPull({ entries: [entryOf(1), entryOf(2)] }), sink, { ...CHOICE, keyOf: number }).start()
  await settled()
  t.equal(reader.beat(), null, 'a client that resumed there would miss them')
  t.strictSame(written, [])
  reader.stop()
})
