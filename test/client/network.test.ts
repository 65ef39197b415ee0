import t from 'tap'
import { connect } from '../../lib/client/index.ts'
import { collect, cut, serve, status } from './fixtures/server.ts'

const backoff = { delay: 1, maxDelay: 5 }
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
  const long = { delay: 1e9, maxDelay: 1e9 }

  t.test('coming online ends a wait', async t => {
    const { url, requests } = await serve(t, cut('data: 1\n\n'), gone)
    const onStateChange = (state: string): void => { if (state === 'waiting') setImmediate(() => online.dispatchEvent(new Event('online'))) }
    t.equal((await collect(connect(url, { backoff: long, onStateChange }))).length, 1)
    t.equal(requests.length, 2)
  })

  t.test('but not one whose length the server named', async t => {
    const { url, requests } = await serve(t, status(503, { 'retry-after': '1' }), gone)
    const onStateChange = (state: string): void => { if (state === 'waiting') setImmediate(() => online.dispatchEvent(new Event('online'))) }
    await collect(connect(url, { backoff, onStateChange }))
    t.ok(requests[1]!.at - requests[0]!.at >= 990)
  })

  t.test('a wait that is over while offline goes on until it is online', async t => {
    const { url, requests } = await serve(t, cut('data: 1\n\n'), gone)
    let isOnline = false
    t.teardown(() => { network.onLine = true })
    const onStateChange = (state: string): void => {
      if (state === 'waiting') {
        network.onLine = false
        setTimeout(() => {
          t.equal(requests.length, 1, 'nothing is asked for while offline')
          network.onLine = isOnline = true
          online.dispatchEvent(new Event('online'))
        }, 100)
      } else if (state === 'connecting') t.ok(isOnline)
    }
    t.equal((await collect(connect(url, { backoff, onStateChange }))).length, 1)
    t.equal(requests.length, 2)
  })

  t.test('offline, closing ends the wait', async t => {
    const { url } = await serve(t, cut('data: 1\n\n'))
    t.teardown(() => { network.onLine = true })
    const messages = connect(url, {
      backoff: long,
      onStateChange: state => {
        if (state !== 'waiting') return
        network.onLine = false
        setImmediate(messages.close)
      }
    })
    t.equal((await collect(messages)).length, 1)
  })
})
