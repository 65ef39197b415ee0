/**
 * What a contract is for: what fits it is sent, without what it does not name, and what does not fit never leaves the server.
 *
 *     app.register(typedSse)
 *     app.register(readings)
 *
 *     curl -N http://localhost:3000/readings
 *     curl -N http://localhost:3000/readings?wrong=true
 */
import { setTimeout } from 'node:timers/promises'
import { Type, type FastifyPluginAsyncTypebox, type Static } from '@fastify/type-provider-typebox'
import { EventStream, eventsOf } from 'fastify-typed-sse'

const Reading = Type.Object({
  city: Type.String(),
  celsius: Type.Number({ minimum: -90, maximum: 60 })
})

export const Readings = EventStream({
  reading: Reading,
  done: Type.Object({ readings: Type.Integer() })
})

const { reading, done } = eventsOf(Readings)

// As a database may give them, whatever its types say: with a column that is nobody else's, and the last with text in place of a number.
const rows = [
  { city: 'Oslo', celsius: 4.5, sensor: 'not declared, not sent' },
  { city: 'Quito', celsius: 18, sensor: 'not declared, not sent' },
  { city: 'Cairo', celsius: 31.5, sensor: 'not declared, not sent' },
  { city: 'Nuuk', celsius: '-7', sensor: 'not declared, not sent' }
] as unknown[] as Array<Static<typeof Reading>>

/** GET /readings: with `wrong`, the last of them does not fit the contract. */
export const readings: FastifyPluginAsyncTypebox = async app => {
  app.get('/readings', {
    schema: {
      summary: 'Readings of a few cities',
      querystring: Type.Object({ wrong: Type.Boolean({ default: false, description: 'Whether the last is one that the contract refuses' }) }),
      response: { 200: Readings }
    }
  }, async function * ({ query, signal }) {
    const sent = query.wrong ? rows : rows.slice(0, 3)
    for (const row of sent) {
      yield reading(row)
      await setTimeout(400, undefined, { signal })
    }
    yield done({ readings: sent.length })
  })
}
