import t from 'tap'
import { isEventStream } from '../../lib/wire/media-type.ts'

t.test('text/event-stream in any case, with any parameters and white space around', async t => {
  for (const mediaType of ['text/event-stream', 'Text/Event-Stream', 'text/event-stream;charset=utf-8', 'TEXT/EVENT-STREAM ; charset="utf-8"', ' text/event-stream']) {
    t.ok(isEventStream(mediaType), `'${mediaType}'`)
  }
})

t.test('other media types', async t => {
  for (const mediaType of ['', 'text/event-streaming', 'text/event-stream+json', 'text/plain; x=text/event-stream', 'application/json', 'text/*']) {
    t.notOk(isEventStream(mediaType), `'${mediaType}'`)
  }
})
