import { createParser } from 'eventsource-parser'

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
      await streamChat(prompt, mine.signal, {
        onOpen: () => setState('open', 'answering…'),
        onText (chunk) {
          words++
          const atEnd = answer.scrollHeight - answer.scrollTop - answer.clientHeight < 40
          text.append(chunk)
          if (atEnd) answer.scrollTop = answer.scrollHeight
        }
      })
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

/** EventSource can only GET, so the stream of a POST is read by fetch. Without `[DONE]` an answer is not whole, however it ended. */
async function streamChat (prompt, signal, { onOpen, onText }) {
  const response = await window.fetch('/chat', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt }),
    signal
  })
  if (!response.ok) throw new Error((await response.json()).message)
  onOpen()
  let isDone = false
  const parser = createParser({
    onEvent ({ event, data }) {
      if (event === 'error') throw new Error(JSON.parse(data).message)
      if (data === '[DONE]') isDone = true
      else onText(JSON.parse(data).text)
    }
  })
  const reader = response.body.pipeThrough(new window.TextDecoderStream()).getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) parser.feed(part.value)
  if (!isDone) throw new Error('the connection ended early')
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
