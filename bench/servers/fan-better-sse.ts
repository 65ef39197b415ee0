import { createChannel, createSession } from 'better-sse'
import { fanOutServer } from './fan-out.ts'
import type { Start } from './server.ts'

export const start: Start = () => {
  const channel = createChannel()
  return fanOutServer(async (request, response) => {
    channel.register(await createSession(request, response, { retry: null, keepAlive: null }))
  }, message => { channel.broadcast(message) })
}
