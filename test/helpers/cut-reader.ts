import { type ClientRequest, get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** Between two connections, as a client's `retry`, ms. */
const RETRY = 5

/** A client that loses its connection at any byte, again and again, and resumes with its last id wherever it is sent. */
export class CutReader {
  /** Each event: its id and its payload. */
  readonly seen: string[] = []
  readonly gaps: string[] = []
  reconnects = 0
  /** How often it was cut within a frame. */
  inFrame = 0
  /** How the run ended: `complete`, or the code of its error. */
  end: string | undefined
  /** When it was told, on the clock of `performance.now()`. */
  endedAt = 0
  lastId = ''
  readonly #path: string
  readonly #port: () => number
  readonly #random: () => number
  readonly #within: number
  #last: string | undefined
  #request: ClientRequest | undefined

  /**
   * @param port chosen anew for each connection
   * @param within a cut is before so many bytes
   */
  constructor (path: string, port: () => number, random: () => number, within = 8_000) {
    this.#path = path
    this.#port = port
    this.#random = random
    this.#within = within
  }

  /** Reads until the end of a run, or to the event that {@link finish} names. */
  async read (): Promise<this> {
    while (!this.#isOver) {
      await this.#visit()
      if (this.#isOver) break
      this.reconnects++
      await sleep(RETRY)
    }
    return this
  }

  /** Ends the reader when it has seen an id. */
  finish (id: string): void {
    this.#last = id
    if (this.#isOver) this.#request?.destroy()
  }

  get #isOver (): boolean {
    return this.end !== undefined || (this.#last !== undefined && this.lastId === this.#last)
  }

  #visit (): Promise<void> {
    return new Promise(resolve => {
      const headers: Record<string, string> = this.lastId === '' ? {} : { 'last-event-id': this.lastId }
      const request = this.#request = get({ host: '127.0.0.1', port: this.#port(), path: this.#path, agent: false, headers })
      request.on('response', response => this.#take(response))
      request.on('error', () => { /* close follows */ })
      request.once('close', resolve)
    })
  }

  #take (response: IncomingMessage): void {
    // What is there to be read was read; before the run has begun there is nothing.
    if (response.statusCode === 204) this.#ends('complete')
    let left = Math.floor(this.#random() * this.#within)
    let lastTwo = ''
    const parser = createParser({ onEvent: event => this.#onEvent(event) })
    response.setEncoding('latin1')
    response.on('error', () => { /* close follows */ })
    response.on('data', (chunk: string) => {
      if (response.statusCode !== 200 || this.#isOver) return
      const text = chunk.slice(0, left)
      left -= text.length
      lastTwo = (lastTwo + text).slice(-2)
      parser.feed(text)
      if (left > 0 && !this.#isOver) return
      if (lastTwo !== '' && lastTwo !== '\n\n') this.inFrame++
      this.#request!.destroy()
    })
  }

  #onEvent ({ event, data, id }: EventSourceMessage): void {
    if (this.#isOver) return
    if (id !== undefined) this.lastId = id
    // A place, and no event.
    if (event === '$ready') return
    if (event === '$gap') this.gaps.push(data)
    else if (event === 'error') this.#ends((JSON.parse(data) as { code: string }).code)
    else if (data === '[DONE]') this.#ends('complete')
    else this.seen.push(`${id} ${data}`)
  }

  #ends (end: string): void {
    this.end ??= end
    this.endedAt = performance.now()
  }
}
