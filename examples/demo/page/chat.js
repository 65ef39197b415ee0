import { connect } from 'fastify-typed-sse/client'
import { press } from './press.js'
import { fetchFor } from './served.js'

// The answer that all tabs of this page show; a tab that is reloaded, or opened, reads it from its start.
const CURRENT = 'sse-demo-answer'

export function startChat (panel, setState, announce) {
  const form = panel.querySelector('form')
  const [send, stop, again] = ['send', 'stop', 'again'].map(name => panel.querySelector(`[data-do=${name}]`))
  const answer = panel.querySelector('.answer')
  let controller
  let current

  async function follow ({ id, prompt }, isNew) {
    if (current?.id === id) return
    controller?.abort()
    const mine = controller = new AbortController()
    current = { id, prompt }
    const text = newAnswer(answer, prompt)
    stop.disabled = false
    again.hidden = true
    setState('connecting')
    try {
      let words = 0
      if (isNew) {
        await start(id, prompt)
        // The other tabs read it only now: before, there is no such run.
        localStorage.setItem(CURRENT, JSON.stringify({ id, prompt }))
      }
      for await (const { data } of streamAnswer(id, mine.signal, fetchFor(panel, false), state => {
        if (state === 'open') setState('open', 'answering…')
        if (state === 'waiting') setState('waiting')
      })) {
        words++
        const atEnd = answer.scrollHeight - answer.scrollTop - answer.clientHeight < 40
        text.append(data.text)
        if (atEnd) answer.scrollTop = answer.scrollHeight
      }
      if (mine.signal.aborted) return
      setState('done')
      announce(`The answer is complete, ${words} words.`)
    } catch (error) {
      if (mine !== controller) return
      // A server that was killed does not know the run any more, or found that nobody produces it.
      const isLost = error.response?.status === 404 || error.code === 'SSE_ERR_LOST'
      setState('broken', isLost ? 'the answer was lost' : undefined)
      announce(isLost ? 'The answer was lost. Ask again.' : `The answer broke off: ${error.message}`)
      again.hidden = false
    } finally {
      text.classList.remove('growing')
      if (mine === controller) {
        if (document.activeElement === stop) send.focus()
        stop.disabled = true
      }
    }
  }

  function ask (prompt) {
    follow({ id: crypto.randomUUID(), prompt }, true)
  }

  form.addEventListener('submit', event => {
    event.preventDefault()
    ask(form.elements.prompt.value)
    form.reset()
  })
  for (const button of form.querySelectorAll('.suggestions button')) button.addEventListener('click', () => ask(button.textContent))
  again.addEventListener('click', () => ask(current.prompt))
  stop.addEventListener('click', () => {
    press(`/chat/${current.id}`, { method: 'DELETE' })
  })
  window.addEventListener('storage', ({ key, newValue }) => { if (key === CURRENT && newValue !== null) follow(JSON.parse(newValue), false) })
  const kept = localStorage.getItem(CURRENT)
  if (kept !== null) follow(JSON.parse(kept), false)
}

async function start (id, prompt) {
  const response = await fetch(`/chat/${id}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ prompt }) })
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
}

/**
 * Every chunk has an id, so a stream that was cut goes on where it was. With the sentinel named, an answer without it was stopped, or
 * is not whole.
 */
function streamAnswer (id, signal, fetch, onStateChange) {
  return connect(`/chat/${id}`, {
    // A header, which EventSource cannot send. The server's log calls the request by this name.
    headers: { 'x-request-id': `chat-${id.slice(0, 8)}` },
    backoff: { maxDelay: 3000 },
    sentinel: '[DONE]',
    fetch,
    signal,
    onStateChange
  })
}

function newAnswer (answer, prompt) {
  const question = document.createElement('p')
  const text = document.createElement('p')
  question.className = 'question'
  question.textContent = prompt
  text.className = 'text growing'
  answer.querySelector('.empty')?.remove()
  answer.append(question, text)
  answer.scrollTop = answer.scrollHeight
  return text
}
