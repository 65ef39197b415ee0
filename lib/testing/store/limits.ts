// Sizes, characters, signals, and what is left after closing.
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { brief, type Cases, event, TTL } from './pair.ts'

const NAMES = ['', ' ', 'a b', 'ä', '\u{1F600}', 'a:b', 'a/b', 'a%3Ab', 'a\nb', '*', '[a]', '{a}', '{a}b', 'a}b{', '0', '-1', "'", '"', '\\', '`', '--', ';', '%', '_', '?', '\u0000', '\u00e9', 'e\u0301', '__proto__', 'A', 'a']

export const limits: Cases = {
  'log names have any characters, and are told apart': async pair => {
    const logs = [...NAMES, 'x'.repeat(2_000)].map(name => `${pair.log}${name}`)
    for (const [i, log] of logs.entries()) await pair.a.append(log, [event(`${i}`)], { ttl: TTL })
    for (const [i, log] of logs.entries()) {
      const { entries } = await pair.b.read(log, null, { limit: 10 })
      assert.deepEqual(entries.map(({ data }) => data), ['', `${i}`], JSON.stringify(log))
      ;(await pair.b.watch(log, Boolean))()
      await pair.a.delete(log)
      assert.equal((await pair.b.read(log, null, { limit: 10 })).tail, null)
      if (i + 1 < logs.length) assert.notEqual((await pair.b.read(logs[i + 1]!, null, { limit: 10 })).tail, null, `${JSON.stringify(log)} took another along`)
    }
  },
  'payloads, names and meta have any characters': async pair => {
    const texts = ['', ' ', '\n', '\r\n', '\u0000', '\u2028', '\u{1F600}', '"', '\\', '{"a":[1,"ä"]}', '%s', "'; --", '\u001f', '\uffff', 'null', '0', '-0']
    await pair.a.append(pair.log, texts.map(text => event(text, text, text)), { ttl: TTL })
    assert.deepEqual((await pair.readAll()).slice(1).map(({ type, data, meta }) => [type, data, meta]), texts.map(text => [text, text, text]))
  },
  'a payload of maxEventBytes comes whole': async pair => {
    const bytes = pair.a.limits.maxEventBytes
    for (const text of ['x'.repeat(bytes), 'ä'.repeat(bytes / 2), '\u0001'.repeat(bytes)]) {
      const id = await pair.publish([text])
      const { tail } = await pair.b.read(pair.log, null, { limit: 1 })
      assert.equal(tail!.id, id)
      assert.ok(tail!.data === text, 'the payload is the same')
    }
  },
  'limits are numbers': async pair => {
    for (const { limits: { appendTimeout, maxEventBytes } } of [pair.a, pair.b]) {
      assert.ok(Number.isInteger(appendTimeout) && appendTimeout > 0)
      assert.ok(Number.isInteger(maxEventBytes) && maxEventBytes > 0)
    }
  },
  'a signal that was aborted before rejects with its reason, and writes nothing': async pair => {
    const reason = new Error('not wanted')
    const signal = AbortSignal.abort(reason)
    await assert.rejects(pair.publish(['one'], { signal }), reason)
    await assert.rejects(pair.a.read(pair.log, null, { limit: 1, signal }), reason)
    assert.deepEqual(brief(await pair.readAll()), [])
  },
  'a signal that is not aborted keeps no listener': async pair => {
    const { signal } = new AbortController()
    await pair.publish(['one'], { signal })
    await pair.a.read(pair.log, null, { limit: 1, signal })
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  },
  'closed: every call throws UNAVAILABLE, and closing again is no error': async pair => {
    const stop = await pair.a.watch(pair.log, Boolean)
    await pair.publish(['one'])
    await pair.a.close()
    await pair.a.close()
    stop()
    const unavailable = { name: 'StoreError', code: 'UNAVAILABLE' }
    await assert.rejects(pair.publish(['two']), unavailable)
    await assert.rejects(pair.a.read(pair.log, null, { limit: 1 }), unavailable)
    await assert.rejects(pair.a.watch(pair.log, Boolean), unavailable)
    await assert.rejects(pair.a.delete(pair.log), unavailable)
  }
}
