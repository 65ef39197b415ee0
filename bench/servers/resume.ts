// What the servers of resumed streams share: GET /ids has the ids of the events there are, GET /resume goes on after `Last-Event-ID`.
import type { FastifyInstance } from 'fastify'
import { nextMessage, type Message } from './fan-out.ts'

/** Clients come back with any of the ids, so that they have missed half of the events on average. */
const EVENTS = 100
const SIZE = 100

export const missed = (): Message[] => Array.from({ length: EVENTS }, () => nextMessage(SIZE))

export function serveIds (app: FastifyInstance, ids: string[]): void {
  app.get('/ids', async () => ids)
}
