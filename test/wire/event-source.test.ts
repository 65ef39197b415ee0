import { EventSource } from 'eventsource'
import fc from 'fast-check'
import t from 'tap'
import { event, EventStream, RawText } from '../../lib/index.ts'
import { joined, line, optional, text, wellFormed } from '../helpers/messages.ts'
import { serve } from '../helpers/serve.ts'

// Names that EventSource gives to its own events are left out.
const name = line.map(line => `n${line}`).filter(name => !/[\r\n]/.test(name))
const id = line.filter(id => !/\p{Cc}|^ | $/u.test(id))
const sample = fc.sample(fc.record({ data: text, event: name, id: optional(id), comment: optional(text) }), 500)
sample.push({ data: '😀\r\n\u2028"\\ab'.repeat(2 ** 20 / 10), event: 'big', id: 'é'.repeat(512), comment: 'x'.repeat(2 ** 16) })

interface Got {
  event: string
  data: string
  id: string
}

/** What an EventSource gets, up to the event `end`. */
function received (url: string): Promise<Got[]> {
  const source = new EventSource(url)
  const got: Got[] = []
  const names = new Set(sample.map(({ event }) => wellFormed(event)))
  for (const name of names) {
    source.addEventListener(name, ({ type, data, lastEventId }) => { got.push({ event: type, data, id: lastEventId }) })
  }
  return new Promise((resolve, reject) => {
    source.addEventListener('end', () => {
      source.close()
      resolve(got)
    })
    source.onmessage = ({ data }) => reject(new Error(`injected: ${data}`))
    source.onerror = error => reject(error)
  })
}

// This EventSource gives an event its own id only, where the standard has the last one there was.
function wanted (toData: (text: string) => string): Got[] {
  return sample.map(({ event, data, id = '' }) => ({ event: wellFormed(event), data: toData(data), id: wellFormed(id) }))
}

/** As strictSame, which takes its time to show how long texts differ. */
function same (t: { ok (value: boolean, message: string): unknown }, got: Got[], wanted: Got[]): void {
  t.ok(got.length === wanted.length, `${got.length} of ${wanted.length}`)
  const at = wanted.findIndex((want, i) => JSON.stringify(want) !== JSON.stringify(got[i]))
  t.ok(at === -1, `${JSON.stringify(got[at])?.slice(0, 500)} is ${JSON.stringify(wanted[at])?.slice(0, 500)}`)
}

const messages = () => sample.map(({ data, ...fields }) => event(data, fields))

t.test('what is sent comes back equal through an EventSource over a socket', async t => {
  const names = Object.fromEntries(sample.map(({ event }) => [event, RawText()]))
  const { port } = await serve(t, app => {
    app.get('/json', (_request, reply) => { reply.sse([...messages(), event(null, { event: 'end' })]) })
    app.get('/raw', { schema: { response: { 200: EventStream({ ...names, end: RawText() }) } } }, (_request, reply) => {
      reply.sse([...messages(), event('', { event: 'end' })] as never)
    })
  })
  const json = await received(`http://127.0.0.1:${port}/json`)
  same(t, json.map(got => ({ ...got, data: JSON.parse(got.data) })), wanted(data => data))
  same(t, await received(`http://127.0.0.1:${port}/raw`), wanted(joined))
})
