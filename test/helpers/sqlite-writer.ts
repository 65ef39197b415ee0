// A process that appends to a topic in the file it is given, one number after another, and prints what was acknowledged.
import { sqliteStore } from '../../lib/store/sqlite.ts'
import { Sqlite } from './sqlite.ts'

const store = sqliteStore(new Sqlite!(process.argv[2]!))
const { tail } = await store.read('topic', null, { limit: 1, last: 1 })
for (let n = tail === null ? 0 : Number(tail.data) + 1; ; n++) {
  await store.append('topic', [{ kind: 'event', type: '', data: `${n}`, meta: '' }], { ttl: 600_000, token: { publisher: `${process.pid}`, sequence: n } })
  // Waits for the pipe: appends alone would never let the event loop get to it.
  await new Promise(resolve => process.stdout.write(`${n}\n`, resolve))
}
