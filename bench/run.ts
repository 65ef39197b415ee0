import { existsSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { RIVALS, type Case } from './cases/case.ts'
import { allCases } from './cases/index.ts'
import { describeMachine } from './machine.ts'
import { Remote } from './remote.ts'
import { summarize, type CaseResult, type Samples } from './results.ts'
import { renderCase, renderMachine } from './table.ts'

const SERVER_CORE = 0
const CLIENT_CORE = 1
const QUICK_ROUNDS = 2
const RIVAL_ROUNDS = 3
const OURS = 'typed-sse'
const OTHER_BUILD = 'other build'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    case: { type: 'string', multiple: true },
    only: { type: 'string' },
    against: { type: 'string' },
    rounds: { type: 'string' },
    heartbeat: { type: 'string', default: '5000' }
  }
})

function chooseCases () {
  const all = allCases(Number(options.heartbeat))
  const wanted = options.case?.flatMap(names => names.split(','))
  if (wanted === undefined) return options.quick ? all.filter(({ quick }) => quick) : all
  // a name may also be the first part of several: `flood` is `flood-1` and `flood-10`
  const chosen = all.filter(({ name }) => wanted.some(some => name === some || name.startsWith(some + '-')))
  if (chosen.length === 0) throw new Error(`no such case; there are ${all.map(({ name }) => name).join(', ')}`)
  return chosen
}

/** The baseline stays, whatever `--only` names: there is no ratio without it. */
function chooseServers (one: Case) {
  const servers = options.quick && one.quick ? one.quick : one.servers
  const only = options.only?.split(',')
  const chosen = only === undefined ? servers : servers.filter((name, index) => index === 0 || only.includes(name))
  return options.against === undefined ? chosen : chosen.flatMap(name => name === OURS ? [OURS, OTHER_BUILD] : [name])
}

function startHost (name: string) {
  const args = name === OTHER_BUILD ? [OURS, resolve(options.against as string)] : [name]
  return Remote.start('host.ts', args, SERVER_CORE)
}

async function sample (one: Case, name: string) {
  const server = startHost(name)
  const clients = [Remote.start('client.ts', [], CLIENT_CORE)]
  const another = () => {
    const client = Remote.start('client.ts', [], CLIENT_CORE)
    clients.push(client)
    return client
  }
  try {
    const client = clients[0] as Remote
    const port = await server.call<number>('listen', one.workload ?? {})
    await client.call('verify', { port, paths: one.verify ?? ['/sample'] })
    return await one.measure({ server, client, port, another })
  } finally {
    await Promise.all([server, ...clients].map(remote => remote.stop()))
  }
}

function progress (text: string) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

/** Rounds are interleaved, A B C A B C, so that a change of the machine's mood meets all alike. */
async function runCase (one: Case): Promise<CaseResult> {
  const rounds = Number(options.rounds ?? (options.quick ? QUICK_ROUNDS : one.rounds))
  const samples: Samples = new Map(chooseServers(one).map(name => [name, []]))
  const failures = new Map<string, string>()
  for (let round = 1; round <= rounds; round++) {
    for (const [name, own] of samples) {
      if (round > RIVAL_ROUNDS && RIVALS.includes(name)) continue
      progress(`${one.name} ${round}/${rounds} ${name}`)
      try {
        own.push(await sample(one, name))
      } catch (error) {
        own.push(undefined)
        failures.set(name, (error as Error).message.split('\n')[0] as string)
        console.error(`${one.name} ${round}/${rounds} ${name}: ${(error as Error).message}`)
      }
    }
  }
  progress('')
  return summarize(one, rounds, samples, failures)
}

if (!existsSync(new URL('../dist/index.js', import.meta.url))) throw new Error('there is no dist/: run `npm run build` first')

const machine = describeMachine()
const started = Date.now()
const cases: CaseResult[] = []
console.log(renderMachine(machine))
for (const one of chooseCases()) {
  const result = await runCase(one)
  cases.push(result)
  console.log(renderCase(result))
}
const command = ['npm run bench', ...process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : []].join(' ')
writeFileSync(new URL('results.json', import.meta.url), JSON.stringify({ command, machine, cases }, null, 2) + '\n')
console.log(`${command}: ${Math.round((Date.now() - started) / 1000)} s; bench/results.json is written`)
if (cases.some(({ servers }) => servers.some(({ failed }) => failed !== undefined))) process.exitCode = 1
