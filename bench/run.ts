import { cpSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fileOf, isRival, takesBuild, type Case } from './cases/case.ts'
import { allCases } from './cases/index.ts'
import { describeMachine } from './machine.ts'
import { Remote } from './remote.ts'
import { summarize, type CaseResult, type Samples } from './results.ts'
import { renderCase, renderMachine } from './table.ts'

const SERVER_CORE = 0
const CLIENT_CORE = 1
const QUICK_ROUNDS = 2
const RIVAL_ROUNDS = 3
const BRIEF_ROUNDS = 2
const BRIEF_RIVAL_ROUNDS = 1
const VERIFY_TIMEOUT = 15_000
const OTHER_BUILD = ', other build'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    case: { type: 'string', multiple: true },
    only: { type: 'string' },
    against: { type: 'string' },
    rounds: { type: 'string' },
    out: { type: 'string', default: fileURLToPath(new URL('results.json', import.meta.url)) },
    heartbeat: { type: 'string', default: '5000' }
  }
})

/** Everything at once has to be done within minutes, so it has fewer rounds than a case that is named. */
const isBrief = options.case === undefined && !options.full && !options.quick

function chooseCases () {
  const all = allCases(Number(options.heartbeat))
  const wanted = options.case?.flatMap(names => names.split(','))
  if (options.quick && wanted === undefined) return all.filter(({ quick }) => quick)
  if (wanted === undefined) return isBrief ? all.filter(({ brief }) => brief !== false) : all
  // a name may also be the first part of several: `flood` is `flood-1` and `flood-10`
  const chosen = all.filter(({ name }) => wanted.some(some => name === some || name.startsWith(some + '-')))
  if (chosen.length === 0) throw new Error(`no such case; there are ${all.map(({ name }) => name).join(', ')}`)
  return chosen
}

/** The baseline stays, whatever `--only` names: there is no ratio without it. */
function chooseServers (one: Case) {
  const servers = options.quick && one.quick ? one.quick : one.servers
  const only = options.only?.split(',')
  const chosen = only === undefined ? servers : servers.filter((row, index) => index === 0 || only.includes(fileOf(row)))
  return options.against === undefined ? chosen : chosen.flatMap(row => takesBuild(one, row) ? [row, row + OTHER_BUILD] : [row])
}

function roundsOf (one: Case) {
  if (options.rounds !== undefined) return Number(options.rounds)
  if (options.quick) return QUICK_ROUNDS
  return isBrief ? one.brief || BRIEF_ROUNDS : one.rounds
}

function isAlive (pid: number) {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** A copy, where the same packages are found, lets one go on working and building while the benchmark runs. */
function copyBuild () {
  const cache = fileURLToPath(new URL('../node_modules/.cache', import.meta.url))
  // of runs that were killed
  for (const name of existsSync(cache) ? readdirSync(cache) : []) {
    const pid = /^bench-(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(cache, name), { recursive: true, force: true })
  }
  const copy = join(cache, `bench-${process.pid}`)
  cpSync(fileURLToPath(new URL('../dist', import.meta.url)), copy, { recursive: true })
  process.on('exit', () => rmSync(copy, { recursive: true }))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
  return copy
}

function buildOf (row: string) {
  return row.endsWith(OTHER_BUILD) ? resolve(options.against as string) : join(build, 'index.js')
}

async function sample (one: Case, row: string) {
  const { script } = one
  const what = script === undefined ? fileOf(row) : row.replace(OTHER_BUILD, '')
  const start = () => script === undefined ? Remote.start('client.ts', [], CLIENT_CORE) : Remote.start(script, [what, buildOf(row)], CLIENT_CORE)
  const server = Remote.start(script ?? 'host.ts', [what, buildOf(row)], SERVER_CORE)
  const clients = [start()]
  const another = () => {
    const client = start()
    clients.push(client)
    return client
  }
  try {
    const client = clients[0] as Remote
    if (script !== undefined) return await one.measure({ row, server, client, port: 0, another })
    const port = await server.call<number>('listen', one.workload ?? {})
    await client.call('verify', { port, sessions: one.sessions, paths: one.verify ?? ['/sample'] }, VERIFY_TIMEOUT)
    return await one.measure({ row, server, client, port, another })
  } finally {
    await Promise.all([server, ...clients].map(remote => remote.stop()))
  }
}

function progress (text: string) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

/** Rounds are interleaved, A B C A B C, so that a change of the machine's mood meets all alike. */
async function runCase (one: Case): Promise<CaseResult> {
  const rounds = roundsOf(one)
  const rivalRounds = isBrief ? BRIEF_RIVAL_ROUNDS : RIVAL_ROUNDS
  const samples: Samples = new Map(chooseServers(one).map(name => [name, []]))
  const failures = new Map<string, string>()
  for (let round = 1; round <= rounds; round++) {
    for (const [name, own] of samples) {
      if (round > rivalRounds && isRival(name)) continue
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
const command = ['npm run bench', ...process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : []].join(' ')
console.log(renderMachine(machine))
for (const one of chooseCases()) {
  if (one.servers.length === 0) {
    console.log(`${one.title}\n  ${one.note}\n`)
    continue
  }
  const result = await runCase(one)
  cases.push(result)
  console.log(renderCase(result))
  // after each, so that a run which is cut short leaves what it has
  writeFileSync(options.out, JSON.stringify({ command, machine, cases }, null, 2) + '\n')
}
console.log(`${command}: ${Math.round((Date.now() - started) / 1000)} s; ${relative('', options.out)} is written`)
if (cases.some(({ servers }) => servers.some(({ failed }) => failed !== undefined))) process.exitCode = 1
