// What a server process reports about itself after its clients have gone. Importing this file watches for unhandled errors.
import { type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** Process warnings, unhandled rejections and uncaught exceptions so far. */
export const trouble: string[] = []
process.on('warning', warning => trouble.push(`warning: ${warning.message}`))
process.on('unhandledRejection', error => trouble.push(`unhandled rejection: ${error}`))
process.on('uncaughtException', error => trouble.push(`uncaught exception: ${error.stack}`))

/** Bytes of heap after garbage collections. The process has to be started with `--expose-gc`. */
export async function heapInUse (): Promise<number> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc!()
    await sleep(50)
  }
  return process.memoryUsage().heapUsed
}

export function connectionsOf (server: Server): Promise<number> {
  return new Promise(resolve => server.getConnections((_error, count) => resolve(count)))
}
