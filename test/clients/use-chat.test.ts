// The real `useChat` of @ai-sdk/react, drawn by React without a DOM.
import { useChat } from '@ai-sdk/react'
import { DefaultChatTransport } from 'ai'
import { createElement } from 'react'
import { act, create } from 'react-test-renderer'
import t from 'tap'
import { aiSdk } from '../../examples/recipes/ai-sdk.ts'
import { cook } from './model.ts'

type Chat = ReturnType<typeof useChat>

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })

/** A model that says one word at a time, when the test tells it to. */
class Prompter {
  signal: AbortSignal | undefined
  #say: ((word: string | null) => void) | undefined
  #words: Array<string | null> = []

  /** @param word null is the end */
  say (word: string | null): void {
    this.#words.push(word)
    this.#say?.(word)
  }

  async * complete (signal: AbortSignal): AsyncGenerator<string> {
    this.signal = signal
    for (;;) {
      while (this.#words.length === 0) await new Promise((resolve, reject) => { this.#say = resolve; signal.onabort = () => reject(signal.reason) })
      const word = this.#words.shift()!
      if (word === null) return
      yield word
    }
  }
}

/** A page with the chat. */
class Page {
  #chat: Chat | undefined
  readonly #onDraw = new Set<() => void>()
  readonly #leave: () => void

  constructor (url: string, options: { resume?: boolean, messages?: Chat['messages'] } = {}) {
    const transport = new DefaultChatTransport({ api: `${url}/api/chat` })
    const View = () => {
      this.#chat = useChat({ id: 'c', transport, ...options })
      for (const tell of this.#onDraw) tell()
      return null
    }
    let view: ReturnType<typeof create>
    act(() => { view = create(createElement(View)) })
    this.#leave = () => { act(() => view.unmount()) }
  }

  get chat (): Chat {
    return this.#chat!
  }

  get texts (): string[] {
    return this.chat.messages.map(({ parts }) => parts.map(part => part.type === 'text' ? part.text : '').join(''))
  }

  async until (isTrue: () => boolean): Promise<void> {
    await act(async () => {
      while (!isTrue()) await new Promise<void>(resolve => { this.#onDraw.add(resolve) })
    })
  }

  /** As a tab that is closed: its requests end. */
  async close (): Promise<void> {
    await act(() => this.chat.stop())
    this.#leave()
  }
}

async function talk (t: Parameters<typeof cook>[0]) {
  const model = new Prompter()
  const recipe = await cook(t, app => app.register(aiSdk, { complete: (_prompt, signal) => model.complete(signal) }))
  const page = new Page(recipe.url)
  act(() => { page.chat.sendMessage({ text: 'hello' }).catch(() => {}) })
  model.say('one ')
  await page.until(() => page.texts[1] === 'one ')
  return { ...recipe, model, page }
}

t.test('an answer goes on while the page is away, and `resume` shows it from its start', async t => {
  const { url, model, page } = await talk(t)
  const [question] = page.chat.messages
  await page.close()
  model.say('two ')
  const again = new Page(url, { resume: true, messages: [question!] })
  await again.until(() => again.texts[1] === 'one two ')
  t.equal(again.chat.status, 'streaming')
  model.say('three')
  model.say(null)
  await again.until(() => again.chat.status === 'ready')
  t.strictSame(again.texts, ['hello', 'one two three'])
  t.notOk(model.signal!.aborted)
  await again.close()
})

t.test('`stop()` only disconnects; DELETE ends the answer in every tab', async t => {
  const { url, model, page } = await talk(t)
  const other = new Page(url, { resume: true, messages: [page.chat.messages[0]!] })
  await other.until(() => other.texts[1] === 'one ')
  await act(() => page.chat.stop())
  model.say('two ')
  await other.until(() => other.texts[1] === 'one two ')
  t.equal(page.texts[1], 'one ')
  t.strictSame(await (await fetch(`${url}/api/chat/c/stream`, { method: 'DELETE' })).json(), { stopped: true })
  await other.until(() => other.chat.status === 'ready')
  t.strictSame(other.texts, ['hello', 'one two '])
  t.ok(model.signal!.aborted, 'the model is told')
  await page.close()
  await other.close()
})

t.test('with nothing to resume the page is ready, and the next answer takes the place of the last', async t => {
  const { url, model, page } = await talk(t)
  model.say(null)
  await page.until(() => page.chat.status === 'ready')
  const again = new Page(url, { resume: true, messages: page.chat.messages })
  await again.until(() => again.chat.status === 'ready')
  act(() => { again.chat.sendMessage({ text: 'and now?' }).catch(() => {}) })
  model.say('now')
  model.say(null)
  await again.until(() => again.texts[3] === 'now' && again.chat.status === 'ready')
  t.strictSame(again.texts, ['hello', 'one ', 'and now?', 'now'])
  await page.close()
  await again.close()
})
