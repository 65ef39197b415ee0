import { connect } from 'fastify-typed-sse/client'
import { shareTabs } from 'fastify-typed-sse/client/share'
import { press } from './press.js'
import { fetchFor } from './served.js'

const KEPT = 200

export function startLogs (panel, setState) {
  const list = panel.querySelector('.lines')

  async function follow () {
    // One connection for all tabs of this page, however many: browsers have six to a server over HTTP/1.1.
    // A log with a hole is a log all the same.
    const lines = connect('/logs', { share: shareTabs(), fetch: fetchFor(panel, true), backoff: { maxDelay: 5000 }, onGap () {}, onStateChange: state => setState(state) })
    for await (const { event, data } of lines) {
      document.dispatchEvent(new CustomEvent('log-line', { detail: { event, data } }))
      list.prepend(row(event, data))
      if (list.childElementCount > KEPT) list.lastElementChild.remove()
    }
  }
  follow().catch(error => setState('broken', error.message))

  for (const box of panel.querySelectorAll('fieldset input')) {
    const apply = () => list.classList.toggle(`without-${box.name}`, !box.checked)
    box.addEventListener('change', apply)
    // Browsers bring back what was ticked before a reload.
    apply()
  }
  for (const button of panel.querySelectorAll('[data-trouble]')) {
    button.addEventListener('click', () => press(`/trouble/${button.dataset.trouble}`))
  }
}

function row (name, { time, message, request, detail, instance }) {
  const item = document.createElement('li')
  item.className = name
  const clock = new Date(time).toLocaleTimeString('en-GB')
  for (const [part, text] of Object.entries({ clock, level: name, request: [instance, request].filter(Boolean).join(' '), message, detail: detail ?? '' })) {
    const span = document.createElement('span')
    span.className = part
    span.textContent = text
    item.append(span)
  }
  return item
}
