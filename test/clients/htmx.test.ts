import { EventSource } from 'eventsource'
import t from 'tap'
import { fragments } from '../../examples/recipes/htmx.ts'
import { cook } from './model.ts'

t.test('an EventSource gets fragments as they are, over several lines', async t => {
  const { url } = await cook(t, app => app.register(fragments, {
    async * messages () { yield { author: 'Ann & Bob', text: '<script>\nalert("1")\r\n</script>' } }
  }))
  const source = new EventSource(`${url}/fragments`)
  t.teardown(() => source.close())
  const { data } = await new Promise<MessageEvent>(resolve => { source.onmessage = resolve })
  t.equal(data, '<li>\n  <b>Ann &amp; Bob</b>\n  &lt;script&gt;\nalert(&quot;1&quot;)\n&lt;/script&gt;\n</li>')
})
