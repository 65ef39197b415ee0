import { startChat } from './chat.js'
import { startJob } from './job.js'
import { startLogs } from './logs.js'
import { startMetrics } from './metrics.js'
import { press } from './press.js'
import { startReadings } from './readings.js'
import { startRoom } from './room.js'

const words = { connecting: 'connecting', open: 'connected', waiting: 'reconnecting…', closed: 'closed', idle: 'idle', done: 'done', broken: 'broke off' }

/** Shows the state of a panel's stream. */
function stateOf (panel) {
  const badge = panel.querySelector('.state')
  return (state, note) => {
    badge.dataset.state = state
    badge.textContent = note ?? words[state]
  }
}

/** Says one sentence to those who listen to the page; numbers and words that stream are not read out. */
export function announce (sentence) {
  document.getElementById('announce').textContent = sentence
}

for (const [id, start] of Object.entries({ metrics: startMetrics, logs: startLogs, job: startJob, chat: startChat, room: startRoom, readings: startReadings })) {
  const panel = document.getElementById(id)
  start(panel, stateOf(panel), announce)
}

document.getElementById('kill').addEventListener('click', () => press('/trouble/kill', { method: 'POST' }))
document.getElementById('cut').addEventListener('click', () => press('/trouble/cut', { method: 'POST' }))

for (const details of document.querySelectorAll('details[data-source]')) {
  details.addEventListener('toggle', async () => {
    const code = details.querySelector('code')
    if (code.textContent !== '') return
    const response = await press(`/source/${details.dataset.source}.ts`)
    if (response === undefined) return
    code.textContent = await response.text()
    // The reader came for the route, not for the imports.
    const [before] = code.textContent.split(/^.*: FastifyPluginAsync/m)
    const lines = code.textContent.split('\n').length
    const pre = details.querySelector('pre')
    pre.scrollTop = pre.scrollHeight * (before.split('\n').length - 2) / lines
  })
}
