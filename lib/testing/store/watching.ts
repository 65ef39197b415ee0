// Notifications: every append leads to one at least.
import assert from 'node:assert/strict'
import { type LogEntry, type Notify } from '../../log/store.ts'
import { type Pair, brief, type Cases, end, event, open, until } from './pair.ts'

interface Watcher {
  readonly hints: Array<readonly LogEntry[] | null>
  /** Whether an entry was announced, or the log is to be read. */
  hears (id: string): Promise<void>
  stop (): void
}

async function watcher (pair: Pair, store = pair.b, log = pair.log): Promise<Watcher> {
  const hints: Array<readonly LogEntry[] | null> = []
  const notify: Notify = entries => { hints.push(entries) }
  const stop = await store.watch(log, notify)
  return {
    hints,
    hears: id => until(() => hints.some(entries => entries === null || entries.some(entry => entry.id === id))),
    stop
  }
}

export const watching: Cases = {
  'an append by either handle is announced to both, once watch has resolved': async pair => {
    const watchers = [await watcher(pair, pair.a), await watcher(pair, pair.b)]
    const ids = [await pair.publish(['one'], {}, pair.a), await pair.publish(['two', 'three'], {}, pair.b)]
    for (const { hears, stop } of watchers) {
      for (const id of ids) await hears(id)
      stop()
    }
  },
  'what is announced is what is read': async pair => {
    const { hints, hears, stop } = await watcher(pair)
    await pair.produce('1000-0', [open('mine')], { after: null })
    const records = [event('{"n":1}', 'named', 'meta'), event('line\r\nline\n', '', ''), event('\u2028\u{1F600}"\\', 'named', '')]
    await pair.produce('1000-1', records)
    const id = await pair.produce('1000-4', [end('failed', '{"message":"no"}')])
    await hears(id)
    stop()
    const entries = await pair.readAll()
    for (const entry of hints.flatMap(hint => hint ?? [])) {
      assert.deepEqual(entry, entries.find(({ id }) => id === entry.id))
    }
  },
  'an append of 1,001 records is announced': async pair => {
    const { hears, stop } = await watcher(pair)
    await hears(await pair.publish(Array.from({ length: 1_001 }, (_, i) => `${i}`)))
    stop()
  },
  'an append of a megabyte is announced': async pair => {
    const { hears, stop } = await watcher(pair)
    await hears(await pair.publish(Array.from({ length: 8 }, () => 'x'.repeat(131_072))))
    stop()
  },
  'a log opened by no records is announced': async pair => {
    const { hears, stop } = await watcher(pair)
    await hears(await pair.publish([]))
    stop()
  },
  'a deletion is announced with null': async pair => {
    await pair.publish(['one'])
    const { hints, stop } = await watcher(pair)
    await pair.a.delete(pair.log)
    await until(() => hints.includes(null))
    stop()
  },
  'one that has stopped hears nothing more, and the others go on': async pair => {
    const first = await watcher(pair)
    const second = await watcher(pair)
    first.stop()
    first.stop()
    const id = await pair.publish(['one'])
    await second.hears(id)
    second.stop()
    assert.deepEqual(first.hints, [])
  },
  'a log can be watched again after its last watcher stopped': async pair => {
    const first = await watcher(pair)
    first.stop()
    const second = await watcher(pair)
    await second.hears(await pair.publish(['one']))
    second.stop()
  },
  'one function may watch twice, and stop once': async pair => {
    const heard: string[] = []
    const notify: Notify = entries => { heard.push(...entries === null ? ['null'] : brief(entries)) }
    const stops = [await pair.b.watch(pair.log, notify), await pair.b.watch(pair.log, notify)]
    stops[0]!()
    const id = await pair.publish(['one'])
    await until(() => heard.some(text => text === 'null' || text === `${id} one`))
    stops[1]!()
  },
  'another log is not announced': async pair => {
    const other = `${pair.log}:other`
    const { hints, hears, stop } = await watcher(pair)
    const elsewhere = await watcher(pair, pair.b, other)
    const ids = [await pair.a.append(other, [event('one')], { ttl: 60_000 }), await pair.publish(['two'])]
    await hears(ids[1]!)
    assert.ok(!hints.some(hint => hint?.some(({ data }) => data === 'one')), 'nothing of the other log')
    elsewhere.stop()
    stop()
  },
  '2,000 logs are watched at once': async pair => {
    const logs = Array.from({ length: 2_000 }, (_, i) => `${pair.log}:${i}`)
    const heard = new Set<string>()
    const stops = await Promise.all(logs.map(log => pair.b.watch(log, () => heard.add(log))))
    await Promise.all(logs.map(log => pair.a.append(log, [event(log)], { ttl: 60_000 })))
    await until(() => heard.size === logs.length)
    for (const stop of stops) stop()
    await Promise.all(logs.map(log => pair.a.delete(log)))
  }
}
