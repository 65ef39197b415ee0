import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import t from 'tap'
import { connect } from '../../lib/client/index.ts'
import { portToKeep } from '../helpers/port.ts'
import { random } from '../helpers/random.ts'
import { listen, stop } from './fixtures/server.ts'

const EVENTS = 10_000

interface Faults {
  restart: number
  'cut mid-frame': number
  stall: number
  'a 5xx': number
  'slow headers': number
  'a good end': number
}

const frame = (n: number): string => `event: n\ndata: {"n":${n},\ndata: "text":"${'ż'.repeat(n % 50)}"}\nid: ${n}\n\n`

/** A server of 10,000 numbered events that goes on from Last-Event-ID, and that fails in every way it can. */
class BadServer {
  readonly #random: () => number
  readonly faults: Faults = { restart: 0, 'cut mid-frame': 0, stall: 0, 'a 5xx': 0, 'slow headers': 0, 'a good end': 0 }
  #server: Server | undefined
  readonly port: number

  constructor (seed: number, port: number) {
    this.port = port
    this.#random = random(seed)
  }

  async start (): Promise<void> {
    this.#server = await listen((request, response) => { this.#answer(request, response) }, this.port)
  }

  async stop (): Promise<void> {
    await stop(this.#server!)
  }

  #answer (request: IncomingMessage, response: ServerResponse): void {
    const dice = this.#random()
    if (dice < 0.05) {
      this.faults['a 5xx']++
      response.writeHead(dice < 0.025 ? 500 : 503, dice < 0.025 ? { 'content-type': 'text/html' } : { 'retry-after': '0' }).end('<html>')
    } else if (dice < 0.1) {
      this.faults['slow headers']++
      if (dice > 0.07) setTimeout(() => { this.#stream(request, response) }, 20)
    } else this.#stream(request, response)
  }

  #stream (request: IncomingMessage, response: ServerResponse): void {
    const first = Number(request.headers['last-event-id'] ?? 0) + 1
    if (first > EVENTS) {
      response.writeHead(204).end()
      return
    }
    const last = Math.min(EVENTS, first + Math.floor(this.#random() * 300))
    let text = 'retry: 1\n:hello\n\n'
    for (let n = first; n <= last; n++) text += frame(n)
    const bytes = Buffer.from(text)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    this.#write(response, bytes, this.#random())
  }

  /** In pieces of any size, up to where the fault is. */
  #write (response: ServerResponse, bytes: Buffer, dice: number): void {
    const end = dice < 0.75 ? Math.floor(bytes.length * this.#random()) : bytes.length
    let at = 0
    const next = (): void => {
      if (response.destroyed) return
      if (at === end) return this.#fail(response, dice)
      const to = Math.min(end, at + 1 + Math.floor(this.#random() * 4000))
      response.write(bytes.subarray(at, to), () => setImmediate(next))
      at = to
    }
    next()
  }

  #fail (response: ServerResponse, dice: number): void {
    if (dice < 0.5) {
      this.faults['cut mid-frame']++
      response.destroy()
    } else if (dice < 0.6) {
      this.faults.stall++
    } else if (dice < 0.75) {
      this.faults.restart++
      this.stop().then(() => this.start()).catch(error => { throw error })
    } else {
      this.faults['a good end']++
      response.end()
    }
  }
}

for (const seed of [1, 2]) {
  t.test(`10,000 numbered events over a bad server, seed ${seed}: none lost, doubled or out of order`, async t => {
    const server = new BadServer(seed, await portToKeep())
    await server.start()
    const got: number[] = []
    const stream = connect(`http://127.0.0.1:${server.port}/`, {
      ...(seed === 2 ? { method: 'POST', body: {}, reconnect: true } : {}),
      heartbeat: 20,
      backoff: { delay: 2, maxDelay: 20 }
    })
    for await (const { data, id, event } of stream) {
      const { n, text } = data as { n: number, text: string }
      if (event !== 'n' || id !== String(n) || text.length !== n % 50) t.fail(`message ${n} is not what was sent`)
      got.push(n)
    }
    t.equal(got.length, EVENTS)
    t.equal(got.findIndex((n, i) => n !== i + 1), -1)
    for (const [fault, count] of Object.entries(server.faults)) t.ok(count > 0, `${fault}: ${count} times`)
    await server.stop()
  })
}

t.test('a wrong content type in between ends the stream with what was read so far, and it can be gone on with', async t => {
  let n = 0
  const server = await listen((request, response): unknown => {
    const from = Number(request.headers['last-event-id'] ?? 0)
    if (++n === 2) return response.writeHead(200, { 'content-type': 'text/html' }).end('<login>')
    if (from === 4) return response.writeHead(204).end()
    return response.writeHead(200, { 'content-type': 'text/event-stream' }).end(frame(from + 1) + frame(from + 2))
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const got: string[] = []
  const read = async (lastEventId: string): Promise<string> => {
    const stream = connect(url, { lastEventId, backoff: { delay: 1 } })
    try {
      for await (const { id } of stream) got.push(id)
    } catch (error) {
      t.match(error, { code: 'SSE_ERR_RESPONSE' })
    }
    return stream.lastEventId
  }
  t.equal(await read(await read('')), '4')
  t.same(got, ['1', '2', '3', '4'])
  server.close()
  await once(server, 'close')
})
