import t from 'tap'
import type { ConnectOptions, MessageStream, StreamMessage } from '../../lib/client/index.ts'
import { openStream } from '../../lib/client/message-stream.ts'
import { TestClock } from './fixtures/clock.ts'
import { collect, cut, serve, status } from './fixtures/server.ts'

const gone = status(204)

t.test('in a browser', async t => {
  const online = new EventTarget()
  const network = { onLine: true }
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  Object.defineProperty(globalThis, 'navigator', { value: network, configurable: true })
  Object.assign(globalThis, { addEventListener: online.addEventListener.bind(online) })
  t.teardown(() => {
    Reflect.deleteProperty(globalThis, 'navigator')
    Reflect.deleteProperty(globalThis, 'addEventListener')
    if (before) Object.defineProperty(globalThis, 'navigator', before)
  })
  t.afterEach(() => { network.onLine = true })

  /** A stream whose waits the test ends; `onWait` is called when one has begun. */
  function open (url: string, onWait: (clock: TestClock, messages: MessageStream<StreamMessage>) => void): MessageStream<StreamMessage> {
    const clock = new TestClock()
    const onStateChange: ConnectOptions['onStateChange'] = state => { if (state === 'waiting') setImmediate(() => onWait(clock, messages)) }
    const messages = openStream<StreamMessage>(url, { heartbeat: false, onStateChange }, clock)
    return messages
  }
  const comeOnline = (): void => {
    network.onLine = true
    online.dispatchEvent(new Event('online'))
  }

  t.test('coming online ends a wait', async t => {
    const { url, requests } = await serve(t, cut('data: 1\n\n'), gone)
    t.equal((await collect(open(url, comeOnline))).length, 1)
    t.equal(requests.length, 2)
  })

  t.test('but not one whose length the server named', async t => {
    const { url, requests } = await serve(t, status(503, { 'retry-after': '1' }), gone)
    await collect(open(url, (clock, messages) => {
      comeOnline()
      t.equal(messages.state, 'waiting')
      t.equal(clock.pending, 1)
      clock.fire()
    }))
    t.equal(requests.length, 2)
  })

  t.test('a wait that is over while offline goes on until it is online', async t => {
    const { url, requests } = await serve(t, cut('data: 1\n\n'), gone)
    const messages = open(url, clock => {
      network.onLine = false
      clock.fire()
      setImmediate(() => {
        t.equal(messages.state, 'waiting', 'nothing is asked for while offline')
        t.equal(requests.length, 1)
        comeOnline()
      })
    })
    t.equal((await collect(messages)).length, 1)
    t.equal(requests.length, 2)
  })

  t.test('offline, closing ends the wait', async t => {
    const { url } = await serve(t, cut('data: 1\n\n'))
    t.equal((await collect(open(url, (_clock, messages) => {
      network.onLine = false
      messages.close()
    }))).length, 1)
  })
})
