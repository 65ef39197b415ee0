import { connect } from 'fastify-typed-sse/client'
import { fetchFor } from './served.js'

// As many as the panel has room for when the route of its neighbour is open.
const SHOWN = 24

export function startJob (panel, setState, announce) {
  const [start, stop] = ['start', 'stop'].map(name => panel.querySelector(`[data-do=${name}]`))
  const [count, facts] = ['count', 'facts'].map(name => panel.querySelector(`[data-show=${name}]`))
  const bar = panel.querySelector('progress')
  const list = panel.querySelector('.files')
  let job
  let run

  function paint () {
    run.painted = undefined
    const { files, position, received, bytes, resumed, since, latest } = run
    bar.max = Math.max(files, 1)
    bar.value = position
    count.textContent = `${position.toLocaleString('en')} of ${files.toLocaleString('en')} files`
    const rate = Math.round(received / Math.max((performance.now() - since) / 1000, 0.1))
    facts.textContent = [
      `${(bytes / 1e6).toFixed(1)} MB`,
      `${rate.toLocaleString('en')} files/s`,
      ...(resumed.length > 0 ? [`went on at ${resumed.slice(-3).map(at => at.toLocaleString('en')).join(', ')}`] : [])
    ].join(' · ')
    list.replaceChildren(...latest.map(fileRow))
  }

  // Thousands of files a second arrive, sixty pictures a second are seen.
  function changed () {
    run.painted ??= window.requestAnimationFrame(paint)
  }

  function file (data) {
    run.position = data.position
    run.received++
    run.bytes += data.bytes ?? 0
    run.latest = [data, ...run.latest].slice(0, SHOWN)
    changed()
  }

  function end (sentence, state, note) {
    setState(state, note)
    start.disabled = false
    if (document.activeElement === stop) start.focus()
    stop.disabled = true
    announce(sentence)
  }

  function begin () {
    run = { files: 0, position: 0, received: 0, bytes: 0, resumed: [], since: performance.now(), latest: [] }
    start.disabled = true
    stop.disabled = false
    stop.focus()
    setState('connecting')
    announce('The job has started.')
  }

  /** @returns whether the job was seen to its end, over however many connections that took */
  async function follow () {
    job = connect('/job', { fetch: fetchFor(panel, false), backoff: { maxDelay: 5000 }, onStateChange: state => setState(state) })
    for await (const { event, data } of job) {
      if (event === 'finished') return true
      if (event !== 'started') {
        file(data)
        continue
      }
      run.files = data.files
      if (data.done > 0) run.resumed.push(data.done + 1)
      if (data.done > 0) announce(`The job goes on at file ${data.done + 1}.`)
      changed()
    }
    return false
  }

  start.addEventListener('click', async () => {
    begin()
    try {
      if (await follow()) end(`The job is done, ${run.files} files.`, 'done')
      else end('The job is stopped.', 'idle')
    } catch (error) {
      end(`The job broke off: ${error.message}`, 'broken', error.message)
    }
  })
  stop.addEventListener('click', () => job.close())
}

function fileRow ({ path, sha256, reason }) {
  const item = document.createElement('li')
  const name = document.createElement('span')
  const hash = document.createElement('code')
  name.textContent = path
  name.title = path
  hash.textContent = sha256?.slice(0, 12) ?? reason
  item.append(name, hash)
  return item
}
