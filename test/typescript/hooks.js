// The load hook of register.js. Types are stripped, not checked: `npm run typecheck` does that.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const { version } = require('typescript/package.json')
const cache = fileURLToPath(new URL('../../node_modules/.cache/test-typescript/', import.meta.url))
mkdirSync(cache, { recursive: true })

export async function load (url, context, nextLoad) {
  const path = url.replace(/[?#].*$/, '')
  if (!path.startsWith('file:') || !path.endsWith('.ts') || path.includes('/node_modules/')) return nextLoad(url, context)
  const file = fileURLToPath(path)
  return { format: 'module', source: compiled(file, readFileSync(file, 'utf8')), shortCircuit: true }
}

function compiled (file, source) {
  const path = cache + createHash('sha256').update(`${version}\n${file}\n${source}`).digest('hex')
  try {
    return readFileSync(path, 'utf8')
  } catch {
    const output = compile(file, source)
    // Renamed, because several processes may write it at once.
    writeFileSync(`${path}.${process.pid}`, output)
    renameSync(`${path}.${process.pid}`, path)
    return output
  }
}

function compile (fileName, source) {
  const { ModuleKind, ScriptTarget, transpileModule } = require('typescript')
  const compilerOptions = {
    target: ScriptTarget.ES2023,
    module: ModuleKind.ESNext,
    verbatimModuleSyntax: true,
    // For stack traces, and for the coverage of lines.
    inlineSourceMap: true,
    inlineSources: true
  }
  return transpileModule(source, { fileName, compilerOptions }).outputText
}
