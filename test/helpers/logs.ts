import { Type } from '@sinclair/typebox'
import { type FastifyInstance } from 'fastify'
import { EventStream } from '../../lib/index.ts'
import { type Store, StoreError } from '../../lib/log/store.ts'
import { type Answer, ask, type Asking, type Served } from './serve.ts'

/** The contract of most tests: two named events and a sentinel. */
export const Count = EventStream({
  count: Type.Object({ n: Type.Integer() }),
  note: Type.Object({ text: Type.String() })
}, { sentinel: '[DONE]' })

export const count = (n: number) => ({ event: 'count' as const, data: { n } })

/** Declares a route on the contract of the tests. */
export function route (app: FastifyInstance, url: string, handler: (request: { params: { key: string } }, reply: { sse (source: unknown, options?: object): unknown }) => unknown): void {
  app.get(url, { schema: { response: { 200: Count } } }, handler as never)
}

/** Reads until so many events called `count` came, and leaves. */
export async function counts (served: Served, path: string, wanted: number, asking: Asking = {}): Promise<{ numbers: number[], lastId: string, answer: Answer }> {
  const answer = await ask(served, path, asking)
  while (numbersOf(answer).length < wanted) await answer.more()
  answer.leave()
  return { numbers: numbersOf(answer), lastId: answer.events.findLast(({ id }) => id !== undefined)!.id!, answer }
}

export function numbersOf (answer: Answer): number[] {
  return answer.events.filter(({ event }) => event === 'count').map(({ data }) => JSON.parse(data).n as number)
}

/** The names of the events, with the number of those that count. */
export function outlineOf (answer: Answer): string[] {
  return answer.events.map(({ event = 'message', data }) => event === 'count' ? `count ${JSON.parse(data).n}` : event)
}

/** A store that several apps of a test share: the close of one does not close it, and it can be taken away from one. */
export class SharedStore implements Store {
  readonly #store: Store
  isDown = false

  constructor (store: Store) {
    this.#store = store
  }

  get limits () { return this.#store.limits }
  append (...args: Parameters<Store['append']>) { return this.#reach(() => this.#store.append(...args)) }
  read (...args: Parameters<Store['read']>) { return this.#reach(() => this.#store.read(...args)) }
  watch (...args: Parameters<Store['watch']>) { return this.#reach(() => this.#store.watch(...args)) }
  delete (...args: Parameters<Store['delete']>) { return this.#reach(() => this.#store.delete(...args)) }
  async close () {}

  async #reach<T> (call: () => Promise<T>): Promise<T> {
    if (this.isDown) throw new StoreError('UNAVAILABLE', 'taken away by the test')
    return call()
  }
}
