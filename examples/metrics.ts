/**
 * Live numbers of this machine and this process: two unnamed events a second, each checked against `Metrics`.
 *
 *     app.register(typedSse)
 *     app.register(metrics)
 *
 *     curl -N http://localhost:3000/metrics
 */
import { cpus, freemem, totalmem } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { EventStream } from 'fastify-typed-sse'

export const Metrics = Type.Object({
  at: Type.Integer({ description: 'Time of the sample, ms since 1970' }),
  cpu: Type.Number({ minimum: 0, maximum: 100, description: 'All cores of the machine, % busy since the last sample' }),
  processCpu: Type.Number({ minimum: 0, description: 'This process, % of one core since the last sample' }),
  loopDelay: Type.Number({ minimum: 0, description: 'Event loop, 99th percentile of its delay since the last sample, ms' }),
  memoryUsed: Type.Integer({ minimum: 0, description: 'Memory in use on the machine, bytes' }),
  memoryTotal: Type.Integer({ minimum: 0, description: 'Memory of the machine, bytes' }),
  rss: Type.Integer({ minimum: 0, description: 'Memory held by this process, bytes' }),
  heapUsed: Type.Integer({ minimum: 0, description: 'JavaScript heap in use, bytes' })
})

export interface MetricsOptions {
  /** Time between two samples, ms. @default 500 */
  every?: number
}

/** GET /metrics: the handler is itself the source, an async generator. */
export const metrics: FastifyPluginAsyncTypebox<MetricsOptions> = async (app, { every = 500 }) => {
  app.get('/metrics', {
    schema: {
      summary: 'Live metrics of this machine and process',
      response: { 200: EventStream(Metrics, { description: 'One sample after another, without an end' }) }
    }
  }, async function * (request) {
    const delay = monitorEventLoopDelay({ resolution: 10 })
    delay.enable()
    try {
      let machine = machineTime()
      let process = processTime()
      while (true) {
        await setTimeout(every, undefined, { signal: request.signal })
        const [machineNow, processNow] = [machineTime(), processTime()]
        yield {
          at: Date.now(),
          cpu: percent(machineNow.busy - machine.busy, machineNow.total - machine.total),
          processCpu: percent(processNow.busy - process.busy, processNow.total - process.total),
          // The histogram measures whole intervals, so its own resolution is no delay.
          loopDelay: Math.max(0, round(delay.percentile(99) / 1e6 - 10)),
          ...memory()
        }
        machine = machineNow
        process = processNow
        delay.reset()
      }
    } finally {
      delay.disable()
    }
  })
}

interface Time { busy: number, total: number }

function machineTime (): Time {
  let busy = 0
  let total = 0
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.irq + times.idle
    busy += all - times.idle
    total += all
  }
  return { busy, total }
}

function processTime (): Time {
  const { user, system } = process.cpuUsage()
  return { busy: user + system, total: performance.now() * 1000 }
}

function memory () {
  const { rss, heapUsed } = process.memoryUsage()
  return { memoryUsed: totalmem() - freemem(), memoryTotal: totalmem(), rss, heapUsed }
}

function percent (part: number, whole: number): number {
  return whole > 0 ? round(100 * part / whole) : 0
}

function round (value: number): number {
  return Math.round(value * 100) / 100
}
