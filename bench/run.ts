import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
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
const VERIFY_TIMEOUT = 15_000
const OURS = 'typed-sse'
const OTHER_BUILD = 'other build'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    case: { type: 'string', multiple: true },
    only: { type: 'string' },
    against: { type: 'string' },
    rounds: { type: 'string' },
    out: { type: 'string', default: fileURLToPath(new URL('results.json', import.meta.url)) },
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

/** A copy, where the same packages are found, lets one go on working and building while the benchmark runs. */
function copyBuild () {
  const copy = fileURLToPath(new URL(`../node_modules/.cache/bench-${process.pid}`, import.meta.url))
  cpSync(fileURLToPath(new URL('../dist', import.meta.url)), copy, { recursive: true })
  process.on('exit', () => rmSync(copy, { recursive: true }))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
  return copy
}

function startHost (name: string) {
  // Files that load the plugin get the path of the build.
  if (name === 'fan-topic') return Remote.start('host.ts', [name, join(build, 'index.js')], SERVER_CORE)
  if (name === OURS) return Remote.start('host.ts', [OURS, join(build, 'index.js')], SERVER_CORE)
  if (name === OTHER_BUILD) return Remote.start('host.ts', [OURS, resolve(options.against as string)], SERVER_CORE)
  return Remote.start('host.ts', [name], SERVER_CORE)
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
    await client.call('verify', { port, paths: one.verify ?? ['/sample'] }, VERIFY_TIMEOUT)
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

const build = copyBuild()
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
writeFileSync(options.out, JSON.stringify({ command, machine, cases }, null, 2) + '\n')
console.log(`${command}: ${Math.round((Date.now() - started) / 1000)} s; ${relative('', options.out)} is written`)
if (cases.some(({ servers }) => servers.some(({ failed }) => failed !== undefined))) process.exitCode = 1
