import { live } from './live.js'

const SHOWN = 6

export function startJob (panel, setState, announce) {
  const [start, stop] = ['start', 'stop'].map(name => panel.querySelector(`[data-do=${name}]`))
  const [count, facts] = ['count', 'facts'].map(name => panel.querySelector(`[data-show=${name}]`))
  const bar = panel.querySelector('progress')
  const list = panel.querySelector('.files')
  let stream
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

  function end (state, sentence) {
    stream.close()
    setState(state)
    start.disabled = false
    if (document.activeElement === stop) start.focus()
    stop.disabled = true
    announce(sentence)
  }

  start.addEventListener('click', () => {
    run = { files: 0, position: 0, received: 0, bytes: 0, resumed: [], since: performance.now(), latest: [] }
    start.disabled = true
    stop.disabled = false
    stop.focus()
    announce('The job has started.')
    stream = live('/job', {
      onState: setState,
      on: {
        started ({ files, done }) {
          run.files = files
          if (done > 0) run.resumed.push(done + 1)
          if (done > 0) announce(`The job goes on at file ${done + 1}.`)
          changed()
        },
        hashed: file,
        skipped: file,
        finished: ({ files }) => end('done', `The job is done, ${files} files.`)
      }
    })
  })
  stop.addEventListener('click', () => end('idle', 'The job is stopped.'))
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
