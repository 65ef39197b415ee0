import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// What the command preloads differs by machine.
const preload = spawnSync('faketime', ['-f', '+0s', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' })

/** Why tests that set clocks are skipped; false where they are not. In CI nothing is skipped: they fail. */
export const skipFakedTime: string | false = preload.status !== 0 && process.env.CI !== 'true' &&
  'no faketime is installed: apt-get install faketime (Debian, Ubuntu)'

/** A wall clock for processes of a test, which it may set. Their monotonic clocks, and with them timers, are left alone. */
export class WallClock {
  /** For the processes. */
  readonly env: NodeJS.ProcessEnv
  readonly #file: string

  private constructor (file: string) {
    this.#file = file
    this.env = { LD_PRELOAD: preload.stdout.trim(), FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' }
    this.set('+0s')
  }

  static async start (t: { teardown (fn: () => unknown): unknown }): Promise<WallClock> {
    const dir = await mkdtemp(join(tmpdir(), 'typed-sse-clock-'))
    t.teardown(() => rm(dir, { recursive: true, force: true }))
    return new WallClock(join(dir, 'faketimerc'))
  }

  /** @param offset from the true time, such as '-1h' */
  set (offset: string): void {
    writeFileSync(this.#file, `${offset}\n`)
  }
}
