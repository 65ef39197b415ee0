// Appends with `first`: a single producer, fenced and idempotent.
import assert from 'node:assert/strict'
import { type LogEntry, type StoreErrorCode } from '../../log/store.ts'
import { type Pair, brief, type Cases, end, event, open, until } from './pair.ts'

/** An epoch with its open record and two events, up to 1000-2. */
async function begin (pair: Pair): Promise<void> {
  await pair.produce('1000-0', [open('mine'), event('one'), event('two')], { after: null })
}

const TWO = ['1000-0 open', '1000-1 one', '1000-2 two']

/** Rejects with a code and leaves the log as it was. */
async function refused (pair: Pair, code: StoreErrorCode, append: () => Promise<unknown>): Promise<void> {
  const before = brief(await pair.readAll())
  await assert.rejects(append, (error: Error & { code?: string, tail?: unknown }) => {
    assert.equal(error.name, 'StoreError', String(error))
    assert.equal(error.code, code)
    if (code === 'FENCED' || code === 'ENDED' || code === 'CONFLICT') assert.equal(error.tail, before.at(-1)!.split(' ')[0], 'the error has the tail')
    return true
  })
  assert.deepEqual(brief(await pair.readAll()), before)
}

export const producing: Cases = {
  'a producer opens a log that does not exist': async pair => {
    assert.equal(await pair.produce('1000-0', [open('mine')], { after: null }), '1000-0')
    assert.deepEqual(await pair.readAll(), [{ ...open('mine'), id: '1000-0' }])
  },
  'LOST: a record that does not open an epoch, where there is no log': pair =>
    refused(pair, 'LOST', () => pair.produce('1000-1', [event('one')])),
  'LOST: an epoch that continues a tail, where there is no log': pair =>
    refused(pair, 'LOST', () => pair.produce('1000-0', [open('mine', '900-4')], { after: '900-4' })),
  'LOST: a renewal, where there is no log': pair =>
    refused(pair, 'LOST', () => pair.produce('1000-1', [])),
  'the next records follow, and keep every field': async pair => {
    await begin(pair)
    const records = [event('{"n":3}', 'named', 'meta 3'), event('', '', ''), event('four', 'named', 'meta 4')]
    assert.equal(await pair.produce('1000-3', records), '1000-5')
    assert.deepEqual(await pair.readAll('1000-2'), records.map((record, i) => ({ ...record, id: `1000-${3 + i}` })))
  },
  'FENCED: an epoch below that of the tail': async pair => {
    await begin(pair)
    await pair.produce('2000-0', [open('other', '1000-2')], { after: '1000-2' })
    await refused(pair, 'FENCED', () => pair.produce('1000-3', [event('three')]))
    await refused(pair, 'FENCED', () => pair.produce('1000-0', [open('mine')], { after: null }))
    await refused(pair, 'FENCED', () => pair.produce('1000-3', []))
  },
  'epochs compare as numbers': async pair => {
    await pair.produce('9-0', [open('mine')], { after: null })
    assert.equal(await pair.produce('10-0', [open('other', '9-0')], { after: '9-0' }), '10-0')
    await refused(pair, 'FENCED', () => pair.produce('9-1', [event('one')]))
    assert.deepEqual(brief(await pair.readAll('9-0')), ['10-0 open'])
  },
  'seqs compare as numbers': async pair => {
    await pair.produce('5-0', [open('mine'), ...Array.from({ length: 9 }, (_, i) => event(`${i + 1}`))], { after: null })
    assert.equal(await pair.produce('5-10', [event('10')]), '5-10')
    assert.deepEqual(brief(await pair.readAll('5-9')), ['5-10 10'])
    assert.deepEqual(brief(await pair.readAll('5-2', { limit: 3 })).length, 8)
  },
  'the largest cursors are exact': async pair => {
    await pair.produce('999999999999999-0', [open('mine'), event('one')], { after: null })
    assert.equal(await pair.produce('999999999999999-2', [event('two')]), '999999999999999-2')
    assert.deepEqual(brief(await pair.readAll('999999999999999-1')), ['999999999999999-2 two'])
  },
  'an open record with the same nonce again is a duplicate': async pair => {
    await begin(pair)
    assert.equal(await pair.produce('1000-0', [open('mine')], { after: null }, pair.b), '1000-0')
    assert.equal(await pair.produce('1000-0', [open('mine'), event('one'), event('two')], { after: null }), '1000-2')
    assert.deepEqual(brief(await pair.readAll()), TWO)
  },
  'CONFLICT: an open record of the same epoch with another nonce': async pair => {
    await begin(pair)
    await refused(pair, 'CONFLICT', () => pair.produce('1000-0', [open('yours')], { after: null }))
  },
  'records that were acknowledged are a duplicate, also when more came after them': async pair => {
    await begin(pair)
    assert.equal(await pair.produce('1000-2', [event('two')], {}, pair.b), '1000-2')
    assert.equal(await pair.produce('1000-1', [event('one')]), '1000-1')
    assert.equal(await pair.produce('1000-1', [event('one'), event('two')]), '1000-2')
    assert.deepEqual(brief(await pair.readAll()), TWO)
  },
  'an acknowledged end again is a duplicate': async pair => {
    await begin(pair)
    await pair.produce('1000-3', [event('three'), end()])
    assert.equal(await pair.produce('1000-3', [event('three'), end()]), '1000-4')
    assert.deepEqual(brief(await pair.readAll()), [...TWO, '1000-3 three', '1000-4 end'])
  },
  'ENDED: nothing follows an end record in its epoch': async pair => {
    await begin(pair)
    await pair.produce('1000-3', [end()])
    await refused(pair, 'ENDED', () => pair.produce('1000-4', [event('four')]))
    await refused(pair, 'ENDED', () => pair.produce('1000-4', []))
  },
  'CONFLICT: a hole after the tail': async pair => {
    await begin(pair)
    await refused(pair, 'CONFLICT', () => pair.produce('1000-4', [event('four')]))
    await refused(pair, 'CONFLICT', () => pair.produce('1000-4', []))
  },
  'CONFLICT: records that were acknowledged in part': async pair => {
    await begin(pair)
    await refused(pair, 'CONFLICT', () => pair.produce('1000-2', [event('two'), event('three')]))
  },
  'a higher epoch supersedes the tail that it names': async pair => {
    await begin(pair)
    assert.equal(await pair.produce('2000-0', [open('other', '1000-2'), end('stopped')], { after: '1000-2' }), '2000-1')
    assert.deepEqual(brief(await pair.readAll()), [...TWO, '2000-0 open', '2000-1 end'])
    assert.equal((await pair.readAll('1000-2'))[0]!.type, '1000-2')
  },
  'a higher epoch may follow an end': async pair => {
    await begin(pair)
    await pair.produce('1000-3', [end()])
    assert.equal(await pair.produce('2000-0', [open('other', '1000-3')], { after: '1000-3' }), '2000-0')
  },
  'an epoch with its end again is a duplicate': async pair => {
    await begin(pair)
    const seal = () => pair.produce('2000-0', [open('seal', '1000-2'), end('lost')], { after: '1000-2' })
    assert.equal(await seal(), '2000-1')
    assert.equal(await seal(), '2000-1')
    assert.deepEqual(brief(await pair.readAll('1000-2')), ['2000-0 open', '2000-1 end'])
  },
  'a higher epoch that supersedes any tail is told which': async pair => {
    await begin(pair)
    const seal = () => pair.produce('2000-0', [open('seal'), end('stopped')], { after: 'any' })
    assert.equal(await seal(), '2000-1')
    assert.equal(await seal(), '2000-1', 'again it is a duplicate')
    assert.deepEqual((await pair.readAll('1000-2')).map(({ id, kind, type, data }) => [id, kind, type, data]), [
      ['2000-0', 'open', '1000-2', 'seal'], ['2000-1', 'end', 'stopped', '']
    ])
    await refused(pair, 'FENCED', () => pair.produce('1000-3', [event('three')]))
  },
  'an epoch that supersedes any tail is announced as it is read': async pair => {
    await begin(pair)
    const hints: Array<readonly LogEntry[] | null> = []
    const stop = await pair.b.watch(pair.log, entries => { hints.push(entries) })
    await pair.produce('2000-0', [open('seal'), end('stopped')], { after: 'any' })
    await until(() => hints.length > 0)
    stop()
    const entries = await pair.readAll('1000-2')
    for (const hint of hints) if (hint !== null) assert.deepEqual(hint, entries)
  },
  'an epoch that supersedes any tail needs one, which is no end, and is higher': async pair => {
    await refused(pair, 'LOST', () => pair.produce('2000-0', [open('seal'), end()], { after: 'any' }))
    await begin(pair)
    await refused(pair, 'CONFLICT', () => pair.produce('1000-0', [open('seal'), end()], { after: 'any' }))
    await refused(pair, 'FENCED', () => pair.produce('900-0', [open('seal'), end()], { after: 'any' }))
    await refused(pair, 'CONFLICT', () => pair.produce('2000-0', [], { after: 'any' }))
    await pair.produce('1000-3', [end()])
    await refused(pair, 'ENDED', () => pair.produce('2000-0', [open('seal'), end()], { after: 'any' }))
  },
  'CONFLICT: a higher epoch that names another tail, or none': async pair => {
    await begin(pair)
    await refused(pair, 'CONFLICT', () => pair.produce('2000-0', [open('other', '1000-1')], { after: '1000-1' }))
    await refused(pair, 'CONFLICT', () => pair.produce('2000-0', [open('other')], { after: null }))
    await refused(pair, 'CONFLICT', () => pair.produce('2000-0', [open('other')]))
  },
  'CONFLICT: a higher epoch that does not begin at 0': async pair => {
    await begin(pair)
    await refused(pair, 'CONFLICT', () => pair.produce('2000-1', [event('one')], { after: '1000-2' }))
    await refused(pair, 'CONFLICT', () => pair.produce('2000-1', []))
  },
  'a renewal writes nothing and resolves to the tail': async pair => {
    await begin(pair)
    assert.equal(await pair.produce('1000-3', []), '1000-2')
    assert.deepEqual(brief(await pair.readAll()), TWO)
  },
  'a log lives on when its producer takes it over after a restart': async pair => {
    await begin(pair)
    await pair.restart()
    assert.equal(await pair.produce('1000-3', [event('three')]), '1000-3')
    assert.deepEqual(brief(await pair.readAll()), [...TWO, '1000-3 three'])
  }
}
