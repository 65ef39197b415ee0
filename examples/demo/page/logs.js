import { liveWhileSeen } from './live.js'

const KEPT = 200

export function startLogs (panel, setState) {
  const list = panel.querySelector('.lines')
  // A stream that is opened anew sends the last lines again; ids tell which of them are here.
  let seen = 0

  const show = name => (line, id) => {
    if (Number(id) <= seen) return
    seen = Number(id)
    list.prepend(row(name, line))
    if (list.childElementCount > KEPT) list.lastElementChild.remove()
  }

  liveWhileSeen('/logs', { onState: setState, on: { debug: show('debug'), info: show('info'), warn: show('warn'), failure: show('failure') } })

  for (const box of panel.querySelectorAll('fieldset input')) {
    const apply = () => list.classList.toggle(`without-${box.name}`, !box.checked)
    box.addEventListener('change', apply)
    // Browsers bring back what was ticked before a reload.
    apply()
  }
  for (const button of panel.querySelectorAll('[data-trouble]')) {
    button.addEventListener('click', () => { window.fetch(`/trouble/${button.dataset.trouble}`).catch(() => {}) })
  }
}

function row (name, { time, message, request, detail }) {
  const item = document.createElement('li')
  item.className = name
  const clock = new Date(time).toLocaleTimeString('en-GB')
  for (const [part, text] of Object.entries({ clock, level: name, request: request ?? '', message, detail: detail ?? '' })) {
    const span = document.createElement('span')
    span.className = part
    span.textContent = text
    item.append(span)
  }
  return item
}
