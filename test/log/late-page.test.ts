import t from 'tap'
import { type Notify, type ReadOptions, type Store } from '../../lib/log/store.ts'
import { bed, event, LEASE, settle, TextSink, TTL } from './helpers.ts'

// What a reader was told by the store is older than what the follower of its process knows.

const RUN = { ttl: TTL, lease: LEASE }
const MANY = { ttl: TTL, maxEvents: 1_000 }

/** Holds calls back until they are let go. */
class Gate {
  #open: (() => void) | undefined
  #passed: Promise<void> = Promise.resolve()

  hold (): void {
    this.#passed = new Promise(resolve => { this.#open = resolve })
  }

  letGo (): void {
    this.#open?.()
  }

  get passed (): Promise<void> {
    return this.#passed
  }
}

/** A bed whose watches are slow to begin, and whose answers to readers are slow to come. */
function slowBed () {
  const watches = new Gate()
  const answers = new Gate()
  const slow = (store: Store): Store => ({
    limits: store.limits,
    append: (...args) => store.append(...args),
    async read (log, after, options: ReadOptions) {
      const slice = await store.read(log, after, options)
      if (after !== null) await answers.passed
      return slice
    },
    async watch (log, notify: Notify) {
      await watches.passed
      return store.watch(log, notify)
    },
    delete: log => store.delete(log),
    close: () => store.close()
  })
  return { ...bed(slow), watches, answers }
}

t.test('a reader at the tail of a run, which its follower finds ended: it gets the end', async t => {
  const { logs, run, watches, answers } = slowBed()
  t.teardown(() => logs.close())
  const { writer } = await logs.claim('run:r', RUN)
  await writer!.append(event('a'))
  watches.hold()
  answers.hold()
  const sink = new TextSink()
  logs.follow(run(), sink, 'start')
  const pull = logs.pull(run(), 'start')
  const first = await pull.next()
  t.equal(first!.entries!.length, 1)
  const second = pull.next()
  await settle()
  await writer!.end('complete')
  watches.letGo()
  await settle()
  answers.letGo()
  await settle()
  t.equal(sink.text, 'a@1 [end complete]')
  t.equal((await second)!.end?.type, 'complete')
})

t.test('a reader at the tail of a topic, which its follower finds further on: it gets what follows', async t => {
  const { logs, topic, watches, answers } = slowBed()
  t.teardown(() => logs.close())
  await logs.publish('topic:t', event('a'), MANY)
  watches.hold()
  answers.hold()
  const sink = new TextSink()
  logs.follow(topic(), sink, 'start')
  const pull = logs.pull(topic(), 'start')
  await pull.next()
  await pull.next()
  const second = pull.next()
  await settle()
  await logs.publish('topic:t', event('b'), MANY)
  watches.letGo()
  await settle()
  answers.letGo()
  await settle()
  t.equal(sink.text, 'a@1 b@2 ')
  t.equal((await second)!.entries![0]!.entry.data, 'b')
})

t.test('a run that has ended, is deleted, and is started again: its next readers get the new one, live', async t => {
  const { logs, run } = bed()
  t.teardown(() => logs.close())
  const { writer } = await logs.claim('run:r', RUN)
  const before = new TextSink()
  logs.follow(run(), before, 'start')
  await settle()
  await writer!.append(event('old'))
  await writer!.end('complete')
  await settle()
  t.equal(before.text, 'old@1 [end complete]')
  await logs.delete('run:r', true)
  const again = await logs.claim('run:r', RUN)
  await again.writer!.append(event('new'))
  const sinks = [new TextSink(), new TextSink()]
  logs.follow(run(), sinks[0]!, 'start')
  const pull = logs.pull(run(), 'start')
  t.equal((await pull.next())!.entries![0]!.entry.data, 'new')
  logs.follow(run(), sinks[1]!, 'now')
  await settle()
  await again.writer!.append(event('more'))
  t.equal((await pull.next())!.entries![0]!.entry.data, 'more')
  await again.writer!.end('stopped')
  await settle()
  t.strictSame(sinks.map(({ text }) => text), ['new@1 more@2 [end stopped]', '[now 1000001-1] more@2 [end stopped]'])
  t.equal((await pull.next())!.end?.type, 'stopped')
})

t.test('who begins at the newest event of a run that has ended gets its end', async t => {
  const { logs, run } = bed()
  t.teardown(() => logs.close())
  const { writer } = await logs.claim('run:r', RUN)
  await writer!.append(event('a'))
  await writer!.end('complete')
  for (let reader = 0; reader < 2; reader++) {
    const sink = new TextSink()
    logs.follow(run(), sink, 'now')
    const pull = logs.pull(run(), 'now')
    t.equal((await pull.next())!.beginning?.reason, 'now')
    t.equal((await pull.next())!.end?.type, 'complete')
    await settle()
    t.equal(sink.text, '[now 1000000-2] [end complete]')
  }
})
