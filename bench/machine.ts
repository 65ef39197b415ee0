import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { canPin } from './remote.ts'

export interface Machine {
  date: string
  cpu: string
  cores: number
  memoryGb: number
  pinned: boolean
  node: string
  versions: Record<string, string>
}

interface Manifest { version: string, dependencies: Record<string, string> }

const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as Manifest

export function describeMachine (): Machine {
  const versions: Record<string, string> = { 'fastify-typed-sse': read('../package.json').version }
  for (const name of Object.keys(read('./package.json').dependencies)) versions[name] = read(`./node_modules/${name}/package.json`).version
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    pinned: canPin,
    node: process.version,
    versions
  }
}
