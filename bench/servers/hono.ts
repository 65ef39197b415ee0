import type { Server } from 'node:http'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { Start } from './server.ts'

export const start: Start = async (routes) => {
  const app = new Hono()
  for (const [path, source] of Object.entries(routes)) {
    app.get(path, context => streamSSE(context, async (stream) => {
      for await (const payload of source()) await stream.writeSSE({ data: JSON.stringify(payload) })
    }))
  }
  return new Promise(resolve => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(server as Server))
  })
}
