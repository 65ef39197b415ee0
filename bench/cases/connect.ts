import type { ConnectResult } from '../connect-client.ts'
import type { Usage } from '../usage.ts'
import type { Case, Context } from './case.ts'

const CLIENTS = 5000
const FIRST = 500

const METRICS: Case['metrics'] = [
  { key: 'rate', label: 'streams/s', digits: 0, better: 'higher' },
  { key: 'cpu', label: 'CPU us/stream', digits: 1, better: 'lower' },
  { key: 'blocked', label: 'longest block ms', digits: 1, better: 'lower' },
  { key: 'serverBusy', label: 'server busy %', digits: 0 },
  { key: 'clientBusy', label: 'client busy %', digits: 0 }
]

/** All clients connect at the same time, as they do after a deploy. */
export const connects: Case[] = [
  {
    name: 'connect-new',
    title: `${CLIENTS.toLocaleString('en')} clients connect at once, each for a first event`,
    servers: ['base', 'typed-sse'],
    rounds: 5,
    metrics: METRICS,
    measure: context => measure(context, '/idle', false)
  },
  {
    name: 'connect-resumed',
    title: `${CLIENTS.toLocaleString('en')} clients resume at once, each with up to 99 events missed`,
    servers: ['resume-loop', 'resume-topic', 'resume-run'],
    rounds: 5,
    verify: [],
    metrics: METRICS,
    measure: context => measure(context, '/resume', true)
  }
]

async function measure ({ server, client, port }: Context, path: string, resumes: boolean) {
  await client.call('connectAll', { port, path, count: FIRST, resumes })
  await client.call('leaveAll')
  await server.call('untilGone')
  await server.call('collect')
  await server.call('beginWatch')
  const before = await server.call<Usage>('usage')
  const { ms, busy } = await client.call<ConnectResult>('connectAll', { port, path, count: CLIENTS, resumes })
  const after = await server.call<Usage>('usage')
  const cpu = after.cpu - before.cpu
  return {
    rate: CLIENTS / ms * 1000,
    cpu: cpu / CLIENTS,
    blocked: await server.call<number>('endWatch'),
    serverBusy: cpu / (after.at - before.at) * 100,
    clientBusy: busy * 100
  }
}
