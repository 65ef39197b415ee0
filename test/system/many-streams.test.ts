import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { CHILD_ENV } from '../helpers/serve.ts'
// As a type only: `import { type … }` would run the server in this process too.
import type { Stats } from '../helpers/many-streams-server.ts'

const STREAMS = 5000
const READERS = 1000
/** ms */
const HEARTBEAT = 2000
const BEAT = '\r\n:\n\n\r\n'
const LAST_CHUNK = '0\r\n\r\n'

/** Of what one stream may leave behind, bytes of heap: the parsers that Node keeps are in it. */
const LEFT_A_STREAM = 200

/** Node raises its soft limit to the hard one. */
const limit = Number(spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).stdout)
const skip = limit < STREAMS + 500 && process.env.CI !== 'true' && `a process may open ${limit} files: raise \`ulimit -Hn\` to ${STREAMS + 500}`

/** A process that does what it is told, one thing at a time. */
class Worker {
  readonly #child: ChildProcess

  private constructor (child: ChildProcess) {
    this.#child = child
  }

  /** @returns also what it says first */
  static async start (t: Test, name: string, argument: number): Promise<readonly [Worker, unknown]> {
    const script = new URL(`../helpers/${name}.ts`, import.meta.url)
    const child = fork(script, [String(argument)], { execArgv: ['--expose-gc', '--import', 'tsx'], env: CHILD_ENV })
    t.teardown(() => child.kill('SIGKILL'))
    const worker = new Worker(child)
    return [worker, await worker.#answer()]
  }

  ask (action: string, input: object = {}): Promise<unknown> {
    this.#child.send({ action, ...input })
    return this.#answer()
  }

  async #answer (): Promise<unknown> {
    const ended = new AbortController()
    const onExit = () => ended.abort(new Error('the process has ended'))
    this.#child.once('exit', onExit)
    const [{ answer }] = await once(this.#child, 'message', { signal: ended.signal }) as [{ answer: unknown }]
    this.#child.off('exit', onExit)
    return answer
  }
}

async function start (t: Test): Promise<{ server: Worker, clients: Worker }> {
  const [server, port] = await Worker.start(t, 'many-streams-server', HEARTBEAT)
  const [clients] = await Worker.start(t, 'many-streams-client', port as number)
  return { server, clients }
}

/** The server's state once all clients are gone. */
async function quiet (server: Worker): Promise<Stats> {
  for (let attempt = 0; ; attempt++) {
    const stats = await server.ask('stats') as Stats
    if ((stats.open === 0 && stats.connections === 0 && stats.subscribers === 0 && stats.started === stats.freed) || attempt === 40) return stats
    await sleep(250)
  }
}

for (const { title, path, first, event, subscribers } of [
  { title: 'sources that wait: a round of heartbeats reaches all', path: '/idle', first: '"hello"', event: undefined, subscribers: 0 },
  { title: 'readers of a topic: a round of heartbeats and an event reach all', path: '/topic', first: '$ready', event: 'flash', subscribers: STREAMS }
]) {
  t.test(`${STREAMS} ${title}, and when all have left, nothing of them is left`, { skip }, async t => {
    const { server, clients } = await start(t)
    const began = performance.now()
    const left: Stats[] = []
    for (let wave = 0; wave < 2; wave++) {
      await clients.ask('open', { path, count: STREAMS, text: first })
      t.match(await server.ask('stats'), { open: STREAMS, connections: STREAMS, subscribers })
      t.equal(await clients.ask('forget'), STREAMS)
      await clients.ask('wait', { text: BEAT })
      if (event !== undefined) {
        await server.ask('publish', { text: event })
        await clients.ask('wait', { text: event })
        t.equal(await clients.ask('count', { text: event }), STREAMS, 'each has it once')
      }
      t.equal(await clients.ask('forget'), STREAMS, 'all are still open')
      await clients.ask('leave')
      left.push(await quiet(server))
    }
    const [before, after] = left as [Stats, Stats]
    for (const { started, freed, ...rest } of left) {
      t.match(rest, { open: 0, connections: 0, subscribers: 0, trouble: [] })
      t.equal(started, freed, 'every source that started was freed')
    }
    const perStream = (after.heap - before.heap) / STREAMS
    t.ok(perStream < LEFT_A_STREAM, `the second wave left ${Math.round(perStream)} bytes a stream`)
    t.comment(`${Math.round((performance.now() - began) / 1000)} s; heap ${before.heap} to ${after.heap} bytes`)
  })
}

t.test(`close() with ${READERS} readers of a topic: each has the last event once, and a regular end`, { skip }, async t => {
  const { server, clients } = await start(t)
  await clients.ask('open', { path: '/topic', count: READERS, text: '$ready' })
  await server.ask('publish', { text: 'flash' })
  await clients.ask('wait', { text: 'flash' })
  await server.ask('close')
  await clients.ask('wait', { text: LAST_CHUNK })
  t.equal(await clients.ask('count', { text: 'flash' }), READERS)
  t.equal(await clients.ask('count', { text: LAST_CHUNK }), READERS)
  t.match(await server.ask('stats'), { open: 0, connections: 0, subscribers: 0, trouble: [] })
})
