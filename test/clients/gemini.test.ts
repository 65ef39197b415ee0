import t from 'tap'
import { EventStream } from 'fastify-typed-sse'
import { cook } from './model.ts'

t.test('what @google/genai reads: a frame counts only if it begins with data, so `retry` has a frame of its own', async t => {
  const { url } = await cook(t, app => app.get('/', { schema: { response: { 200: EventStream({ type: 'string' } as const) } } }, () => ['a', 'b']))
  const text = await (await fetch(url)).text()
  const frames = text.split('\n\n').filter(frame => frame !== '' && !frame.startsWith(':'))
  t.strictSame(frames, ['retry: 1000', 'data: "a"', 'data: "b"'])
})
