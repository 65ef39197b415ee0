import { type Socket } from 'node:net'
import { type FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'

const hidden = { schema: { hide: true } }

/** What the buttons of the page ask for: lines for the log, a cut of every connection, the end of this process. */
export const troubles: FastifyPluginAsync = fp(async app => {
  const sockets = new Set<Socket>()

  app.addHook('onRequest', async ({ raw: { socket } }) => {
    if (sockets.has(socket)) return
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })

  app.get('/trouble/none', hidden, async request => {
    request.log.info('all is well')
    return { ok: true }
  })

  app.get('/trouble/warning', hidden, async request => {
    request.log.warn('somebody is looking for trouble')
    return { ok: true }
  })

  app.get('/trouble/failure', hidden, async () => {
    throw new Error('this is the failure that you asked for')
  })

  app.post('/trouble/kill', hidden, async (_request, reply) => {
    reply.raw.once('finish', () => process.kill(process.pid, 'SIGKILL'))
    return {}
  })

  // As when a proxy is restarted or a phone leaves the house: connections break off without a word.
  app.post('/trouble/cut', hidden, async (request, reply) => {
    reply.raw.once('finish', () => {
      request.log.warn(`${sockets.size} connections cut`)
      for (const socket of sockets) socket.destroySoon()
    })
    return { connections: sockets.size }
  })
})
