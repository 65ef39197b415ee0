import t from 'tap'
import { Frames, Outgoing } from '../../lib/wire/frames.ts'

t.test('frames are one HTTP/1.1 chunk, with a view of their bytes', async t => {
  const frames = Frames.of('data: é\n\n', 1)
  t.equal(frames.chunk.toString(), 'a\r\ndata: é\n\n\r\n')
  t.equal(frames.bytes.toString(), 'data: é\n\n')
  t.equal(frames.bytes.buffer, frames.chunk.buffer)
  t.equal(frames.byteLength, 10)
  t.equal(frames.events, 1)
})

t.test('joined frames are one chunk of all of them; of one, itself', async t => {
  const one = Frames.of('data: 1\n\n', 1)
  const two = Frames.of(':\n\n', 0)
  t.equal(Frames.join([one]), one)
  const all = Frames.join([one, two, one])
  t.equal(all.chunk.toString(), '15\r\ndata: 1\n\n:\n\ndata: 1\n\n\r\n')
  t.equal(all.bytes.toString(), 'data: 1\n\n:\n\ndata: 1\n\n')
  t.equal(all.events, 2)
})

t.test('what is to be written is taken once', async t => {
  const out = new Outgoing()
  t.equal(out.take(), '')
  out.text += 'data: 1\n\n'
  out.text += ':\n\n'
  t.equal(out.take(), 'data: 1\n\n:\n\n')
  t.equal(out.take(), '')
})
