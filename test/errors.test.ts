import { readFileSync } from 'node:fs'
import t from 'tap'
import * as constructors from '../lib/errors.ts'
import { errors } from '../lib/index.ts'

const guide = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
const codes = Object.keys(constructors).sort()

type Constructor = new (...args: unknown[]) => Error & { code: string, statusCode: number }

t.test('each error is named by its code', async t => {
  for (const [name, SomeError] of Object.entries(constructors as unknown as Record<string, Constructor>)) {
    const error = new SomeError('one', 'two', 'three')
    t.match(name, /^SSE_ERR_[A-Z_]+$/)
    t.equal(error.code, name)
    t.ok(error instanceof Error)
    t.ok(error.statusCode >= 400 && error.statusCode < 600)
    t.notMatch(error.message, /%[a-z]/, 'every place of the message is filled')
  }
})

t.test('users get them all', async t => {
  t.strictSame(Object.keys(errors).sort(), codes)
})

t.test('each code has its heading in the guide, and each heading its code', async t => {
  t.strictSame(Array.from(guide.matchAll(/^### `(SSE_ERR_\w+)`$/gm), match => match[1]).sort(), codes)
})
