import { parse } from 'fastify-typed-sse/client'
import { press } from './press.js'
import { showInstance } from './served.js'

export function startReadings (panel, setState, announce) {
  const [contract, frames, client, server] = ['contract', 'frames', 'client', 'server'].map(name => panel.querySelector(`[data-show=${name}]`))
  let request

  press('/source/readings.ts').then(response => response?.text()).then(source => {
    contract.textContent = /^const Reading = [^]*?^\}\)$[^]*?^\}\)$/m.exec(source)?.[0]
  })

  /** The bytes as they come. */
  async function showFrames (body) {
    for await (const text of body.pipeThrough(new TextDecoderStream())) {
      frames.append(text)
      frames.parentElement.scrollTop = frames.parentElement.scrollHeight
    }
  }

  /** The same as messages. */
  async function readMessages (response) {
    let count = 0
    for await (const { event } of parse(response)) client.textContent = `${++count} messages, the last is “${event}”`
    return count
  }

  async function open (url) {
    for (const place of [frames, client, server]) place.textContent = ''
    request = `readings-${crypto.randomUUID().slice(0, 8)}`
    setState('connecting')
    const response = await press(url, { headers: { 'x-request-id': request } })
    if (response === undefined) return setState('broken')
    setState('open')
    showInstance(panel, response.headers.get('x-served-by'))
    const [raw, copy] = response.body.tee()
    const [bytes, messages] = await Promise.allSettled([showFrames(raw), readMessages(new Response(copy, response))])
    setState(messages.status === 'fulfilled' ? 'done' : 'broken')
    if (messages.status === 'fulfilled') return announce(`All ${messages.value} messages fit the contract.`)
    const { name, statusCode, code } = messages.reason
    client.textContent = `parse() throws ${name}: ${statusCode} ${code}. fetch: ${bytes.reason}`
    announce('The server refused to send a payload.')
  }

  for (const button of panel.querySelectorAll('[data-open]')) button.addEventListener('click', () => open(button.dataset.open))

  // What the log panel is told.
  document.addEventListener('log-line', ({ detail: { event, data } }) => {
    if (data.request !== request) return
    if (event === 'failure') server.textContent = `${data.message}: ${data.detail}`
    else if (server.textContent === '' && data.message === 'stream closed') server.textContent = `${data.message}: ${data.detail}`
  })
}
