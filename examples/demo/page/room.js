import { connect } from 'fastify-typed-sse/client'
import { shareTabs } from 'fastify-typed-sse/client/share'
import { press } from './press.js'
import { fetchFor } from './served.js'

export function startRoom (panel, setState, announce) {
  const list = panel.querySelector('.notices')
  const voter = sessionStorage.voter ??= crypto.randomUUID()
  const votes = new Map()
  const notices = new Map()

  async function follow () {
    const events = connect('/room', { share: shareTabs(), fetch: fetchFor(panel, true), backoff: { maxDelay: 3000 }, onGap: forget, onStateChange: state => setState(state) })
    for await (const { event, data, id } of events) {
      if (event === 'vote') votes.set(data.voter, data.choice)
      else notices.set(id, data)
      paint()
    }
  }

  // The events since a gap come from the oldest that is kept on; what they do not say the server does not know.
  function forget () {
    votes.clear()
    notices.clear()
    notices.set('', { text: 'The server has forgotten what was here', at: Date.now() })
    paint()
  }

  function paint () {
    const choices = [...votes.values()]
    for (const input of panel.querySelectorAll('[name=choice]')) {
      const count = choices.filter(choice => choice === input.value).length
      const { children: [, , bar, number] } = input.closest('label')
      bar.max = Math.max(choices.length, 1)
      bar.value = number.textContent = count
      input.checked = votes.get(voter) === input.value
    }
    list.replaceChildren(...Array.from(notices, noticeRow).reverse())
  }

  // Tabs share the stream: one that joins late asks the others what has been.
  const tabs = new BroadcastChannel('room')
  tabs.onmessage = ({ data }) => {
    if (data === 'what has been?') return tabs.postMessage({ votes, notices })
    for (const [voter, choice] of data.votes) if (!votes.has(voter)) votes.set(voter, choice)
    for (const [id, notice] of data.notices) if (!notices.has(id)) notices.set(id, notice)
    paint()
  }
  tabs.postMessage('what has been?')

  const publish = (path, body) => press(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  panel.querySelector('.votes').addEventListener('change', ({ target }) => publish('/room/votes', { voter, choice: target.value }))
  panel.querySelector('form').addEventListener('submit', async event => {
    event.preventDefault()
    const form = event.target
    const response = await publish('/room/notices', { text: form.elements.text.value })
    if (response?.ok) form.reset()
  })
  follow().catch(error => setState('broken', error.message))
}

function noticeRow ([id, { text, at }]) {
  const item = document.createElement('li')
  const [clock, words, mark] = ['time', 'span', 'code'].map(tag => item.appendChild(document.createElement(tag)))
  clock.textContent = new Date(at).toLocaleTimeString('en-GB')
  words.textContent = text
  // All ids of a log begin alike.
  mark.textContent = id.replace(/^.*\./, '')
  mark.title = id
  return item
}
