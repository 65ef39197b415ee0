// A model for the recipes, and a server that has them. Both take the plugin from `dist`, as users do.
import { type AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import typedSse from 'fastify-typed-sse'

interface Test { teardown (fn: () => unknown): void }

export interface Recipe {
  url: string
  app: FastifyInstance
  /** The Accept headers of the requests so far. */
  accepts: Array<string | undefined>
}

/** A server with a recipe. It beats fast, so that each client meets comment frames in between. */
export async function cook (t: Test, register: (app: FastifyInstance) => unknown): Promise<Recipe> {
  const app = Fastify()
  t.teardown(() => app.close())
  const accepts: Array<string | undefined> = []
  app.addHook('onRequest', async ({ headers }) => { accepts.push(headers.accept) })
  await app.register(typedSse, { heartbeat: 5, retry: 1000, commitAfter: 0, shutdownGrace: 50 })
  await register(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, app, accepts }
}

export const WORDS = ['Hello', ', ', 'wörld', '\n\n', 'data: 1']

/** Yields the words of an answer, some heartbeats apart. It fails in the middle if it is asked to. */
export async function * complete (prompt: string, signal: AbortSignal): AsyncGenerator<string> {
  for (const [index, word] of WORDS.entries()) {
    if (index === 2 && prompt === 'fail') throw new Error('out of memory')
    await new Promise<void>(resolve => { setTimeout(resolve, 12) })
    signal.throwIfAborted()
    yield word
  }
}
