import { readFile } from 'node:fs/promises'
import t from 'tap'
import { connect } from 'fastify-typed-sse/client'
import { inBrowser, launch } from '../helpers/browser.ts'
import { skipRedis } from '../helpers/redis.ts'
import { openPage } from './fixtures/browser.ts'
import { DemoServer } from './fixtures/demo-server.ts'

t.setTimeout(600_000)

t.test('where there is no Redis, it says what to install', async t => {
  await t.rejects(DemoServer.start({ script: 'cluster.ts', env: { PATH: '/nowhere' } }), { message: /no redis-server on the path:\napt-get install redis-server/ })
})

t.test('two instances', { skip: skipRedis }, async t => {
  const demo = await DemoServer.start({ script: 'cluster.ts' })
  t.teardown(() => demo.stop())
  const pidOf = async (instance: string) => Number((await demo.printed(new RegExp(`by ${instance} too.*kill -9 (\\d+)`)))[1])
  for (const instance of ['A', 'B']) await pidOf(instance)

  t.test('a run is read through the death of the instance that served it', async t => {
    const answer = `${demo.url}/chat/through`
    const { headers } = await fetch(answer, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"prompt":"Four score and seven"}' })
    const producer = headers.get('x-served-by')
    const reader = await readerOf(answer, instance => instance !== producer)
    const killed = reader.servedBy[0]!
    process.kill(await pidOf(killed), 'SIGKILL')
    const texts: string[] = []
    const ids = new Set<string>()
    for await (const { data, id } of reader.messages) {
      texts.push(data.text)
      ids.add(id)
    }
    t.equal(texts.join(''), await readFile(new URL('../../examples/texts/gettysburg-address.txt', import.meta.url), 'utf8'))
    t.equal(ids.size, texts.length)
    t.ok(reader.servedBy.length > 1, `served by ${reader.servedBy}`)
    t.equal(reader.servedBy[1], producer, 'the other is dead for a while')
    await demo.printed(new RegExp(`${killed} is gone \\(SIGKILL\\)`))
  })

  t.test('each panel says which instance serves it, and goes on when one is killed', { skip: inBrowser.skip }, async t => {
    const page = await openPage(await launch(t), demo.url)
    const served = (panel: string) => page.locator(`#${panel} .state[data-state=open]:is([data-instance=A], [data-instance=B])`).waitFor()
    for (const panel of ['metrics', 'room', 'logs']) await served(panel)
    await page.getByRole('button', { name: 'Kill an instance' }).click()
    await page.getByLabel('A notice to every page').fill('still here')
    await page.getByRole('button', { name: 'Tell all' }).click()
    await page.locator('.notices li', { hasText: 'still here' }).waitFor()
    for (const panel of ['metrics', 'room', 'logs']) await served(panel)
    t.same(page.errors, [])
  })
})

/** A reader of an answer that is served by an instance of choice: the balancer gives each connection to the next. */
async function readerOf (url: string, isWanted: (instance: string) => boolean) {
  for (;;) {
    const servedBy: string[] = []
    const messages = connect(url, {
      backoff: { delay: 100, maxDelay: 500 },
      sentinel: '[DONE]',
      fetch: async (url, init) => {
        const response = await fetch(url, init)
        servedBy.push(response.headers.get('x-served-by')!)
        return response
      }
    }) as ReturnType<typeof connect> & AsyncIterable<{ data: { text: string }, id: string }>
    const first = await messages.next()
    if (isWanted(servedBy[0]!)) return { servedBy, messages: resumed(first.value as never, messages) }
    messages.close()
  }
}

async function * resumed<T> (first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first
  yield * rest
}
