import { connect } from 'fastify-typed-sse/client'

let asked = 0

export function startChat (panel, setState, announce) {
  const form = panel.querySelector('form')
  const [send, stop] = ['send', 'stop'].map(name => panel.querySelector(`[data-do=${name}]`))
  const answer = panel.querySelector('.answer')
  let controller

  async function ask (prompt) {
    controller?.abort()
    const mine = controller = new AbortController()
    const text = newAnswer(answer, prompt)
    stop.disabled = false
    setState('connecting')
    try {
      let words = 0
      for await (const { data } of streamChat(prompt, mine.signal, () => setState('open', 'answering…'))) {
        words++
        const atEnd = answer.scrollHeight - answer.scrollTop - answer.clientHeight < 40
        text.append(data.text)
        if (atEnd) answer.scrollTop = answer.scrollHeight
      }
      setState('done')
      announce(`The answer is complete, ${words} words.`)
    } catch (error) {
      if (mine !== controller) return
      setState(mine.signal.aborted ? 'idle' : 'broken', mine.signal.aborted ? 'stopped' : undefined)
      if (!mine.signal.aborted) announce(`The answer broke off: ${error.message}`)
    } finally {
      text.classList.remove('growing')
      if (mine === controller) {
        if (document.activeElement === stop) send.focus()
        stop.disabled = true
      }
    }
  }

  form.addEventListener('submit', event => {
    event.preventDefault()
    ask(form.elements.prompt.value)
    form.reset()
  })
  for (const button of form.querySelectorAll('.suggestions button')) button.addEventListener('click', () => ask(button.textContent))
  stop.addEventListener('click', () => controller.abort())
}

/**
 * A POST with a header, neither of which EventSource can send. With the sentinel named, an answer without it is not whole, and the
 * loop throws; nothing is asked again, for no chunk has an id to go on from.
 */
function streamChat (prompt, signal, onOpen) {
  return connect('/chat', {
    body: { prompt },
    // The server's log calls the request by this name.
    headers: { 'x-request-id': `chat-${++asked}` },
    sentinel: '[DONE]',
    signal,
    onStateChange: state => { if (state === 'open') onOpen() }
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
