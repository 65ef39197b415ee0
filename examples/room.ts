/**
 * What everybody here sees, as one topic: votes, of which each voter's latest counts, and notices, of which none may be missed.
 * Whoever comes later reads both from the start. With a store on disk they outlive the server.
 *
 *     app.register(typedSse, { store: sqliteStore(new DatabaseSync('room.db')) })
 *     app.register(room)
 *
 *     curl -N http://localhost:3000/room
 *     curl http://localhost:3000/room/notices -H 'content-type: application/json' -d '{"text":"Hello, all"}'
 */
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { EventStream, eventsOf } from 'fastify-typed-sse'

const Vote = Type.Object({
  voter: Type.String({ minLength: 1, maxLength: 64, description: 'Made up by the page', examples: ['page-1'] }),
  choice: Type.String({ minLength: 1, maxLength: 20, examples: ['answers'] })
})
const Text = Type.String({ minLength: 1, maxLength: 200, examples: ['Hello, all'] })
const Published = Type.Object({ id: Type.String({ description: 'Of the event' }) })

export const Room = EventStream({
  vote: Vote,
  notice: Type.Object({ text: Text, at: Type.Integer({ description: 'ms since 1970', examples: [1767225600000] }) })
}, { id: true, description: 'The latest vote of each voter and all notices, then every new one, without an end' })
const { vote, notice } = eventsOf(Room)

/** GET /room, POST /room/votes and /room/notices. */
export const room: FastifyPluginAsyncTypebox = async app => {
  const topic = app.sse.topic('room', Room, {
    ttl: 86_400_000,
    // A reader that is behind, or new, gets the newest event of each key. Notices have none, and are never dropped.
    conflate: message => message.event === 'vote' ? message.data.voter : undefined
  })

  app.get('/room', {
    schema: { summary: 'Votes and notices', response: { 200: Room } }
  }, (_request, reply) => reply.sse(topic, { from: 'start' }))

  app.post('/room/votes', {
    schema: { summary: 'Vote, or change your vote', body: Vote, response: { 200: Published } }
  }, async ({ body }) => ({ id: await topic.publish(vote(body)) }))

  app.post('/room/notices', {
    schema: { summary: 'Tell everybody', body: Type.Object({ text: Text }), response: { 200: Published } }
  }, async ({ body: { text } }) => ({ id: await topic.publish(notice({ text, at: Date.now() })) }))
}
