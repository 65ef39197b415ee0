import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Cursor } from '../../lib/log/store.ts'
import { sqliteStore } from '../../lib/store/sqlite.ts'
import { randomOf } from '../log/chaos.ts'
import { CHILD_ENV } from '../helpers/serve.ts'
import { Sqlite, skipSqlite } from '../helpers/sqlite.ts'

// FAULT_ROUNDS multiplies the rounds.
t.jobs = 2
const ROUNDS = 20 * Number(process.env.FAULT_ROUNDS ?? 1)

/** Starts the writer on a file, and kills it once it has acknowledged so many appends more. Resolves to the last of them. */
async function writeAndDie (t: Test, file: string, appends: number): Promise<number> {
  const writer = new URL('../helpers/sqlite-writer.ts', import.meta.url).pathname
  const child = spawn(process.execPath, ['--import', 'tsx', writer, file], { stdio: ['ignore', 'pipe', 'inherit'], env: CHILD_ENV })
  t.teardown(() => child.kill('SIGKILL'))
  let text = ''
  let left = appends
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    left -= chunk.split('\n').length - 1
    if (left <= 0) child.kill('SIGKILL')
  })
  const [code, signal] = await once(child, 'close')
  if (signal !== 'SIGKILL') throw new Error(`the writer ended with ${code}`)
  return Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1))
}

// Two at once: most of the time goes into starting processes.
for (const seed of [1, 2]) {
  t.test(`SIGKILL of a writer, ${ROUNDS} times: what was acknowledged is there, once and in order`, { skip: skipSqlite }, async t => {
    const dir = await mkdtemp(join(tmpdir(), 'typed-sse-sqlite-'))
    t.teardown(() => rm(dir, { recursive: true, force: true }))
    const file = join(dir, 'events.db')
    const random = randomOf(seed)
    let expected = 0
    let after: Cursor | null = null
    const started = performance.now()
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = await writeAndDie(t, file, 1 + Math.floor(random() * 1_000))
      const store = sqliteStore(new Sqlite!(file))
      const seen: number[] = []
      for (;;) {
        const { entries } = await store.read('topic', after, { limit: 1_000 })
        if (entries.length === 0) break
        after = entries.at(-1)!.id
        for (const { kind, data } of entries) if (kind === 'event') seen.push(Number(data))
      }
      await store.close()
      if (seen.some((n, i) => n !== expected + i)) t.fail(`round ${round}: ${seen} is not from ${expected} on`)
      expected += seen.length
      // One may be there that the writer had no time to tell of.
      if (expected <= acknowledged) t.fail(`round ${round}: ${acknowledged} was acknowledged, ${expected - 1} is the last`)
    }
    t.comment(`${expected} appends, ${Math.round((performance.now() - started) / 1_000)} s`)
    t.pass()
  })
}
