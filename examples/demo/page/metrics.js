import { connect } from 'fastify-typed-sse/client'
import { shareTabs } from 'fastify-typed-sse/client/share'
import UPlot from 'uplot'
import { fetchFor } from './served.js'

const KEPT = 120
const HEIGHT = 220

const TEXTS = {
  cpu: sample => `${sample.cpu.toFixed(0)} %`,
  processCpu: sample => `${sample.processCpu.toFixed(1)} %`,
  loopDelay: sample => `${sample.loopDelay.toFixed(1)} ms`,
  memory: sample => `${gigabytes(sample.memoryUsed)} of ${gigabytes(sample.memoryTotal)} GB`,
  rss: sample => `${(sample.rss / 2 ** 20).toFixed(0)} MB`
}

export function startMetrics (panel, setState, announce) {
  const tiles = Object.entries(TEXTS).map(([key, text]) => [text, panel.querySelector(`[data-key=${key}] dd`)])
  const place = panel.querySelector('.chart')
  const columns = [[], [], [], []]
  let chart = draw(place, columns)
  let wasLost = false

  // Colours are painted into the canvas, so a change of scheme means a new chart.
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    chart.destroy()
    chart = draw(place, columns)
  })
  new window.ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place)

  function show (sample) {
    const now = sample.at / 1000
    // A hole in the line where nothing was measured, instead of a slope.
    if (now - columns[0].at(-1) > 1.5) push(columns, [now - 0.5, null, null, null])
    push(columns, [now, sample.cpu, sample.processCpu, sample.loopDelay])
    chart.setData(columns, false)
    // What there is to see is as wide as the chart, from the second sample to a minute of them.
    chart.setScale('x', { min: Math.max(now - KEPT / 2, Math.min(columns[0][0], now - 0.5)), max: now })
    for (const [text, tile] of tiles) tile.textContent = text(sample)
    place.dataset.points = columns[0].length
  }

  async function follow () {
    const samples = connect('/metrics', { share: shareTabs(), fetch: fetchFor(panel, true), backoff: { maxDelay: 5000 }, onStateChange })
    for await (const { data } of samples) show(data)
  }
  follow().catch(error => setState('broken', error.message))

  function onStateChange (state) {
    setState(state)
    if (state === 'waiting' && !wasLost) announce('The connection is lost. Reconnecting.')
    if (state === 'open' && wasLost) announce('Connected again.')
    if (state === 'waiting' || state === 'open') wasLost = state === 'waiting'
  }
}

function push (columns, values) {
  for (const [index, value] of values.entries()) {
    columns[index].push(value)
    if (columns[index].length > KEPT) columns[index].shift()
  }
}

function draw (place, columns) {
  const colour = name => window.getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
  const axis = { stroke: colour('soft'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false }, font: '12px system-ui, sans-serif' }
  const line = (label, name, scale, unit, fill) => ({
    label,
    scale,
    stroke: colour(name),
    width: 2,
    points: { show: false },
    value: (_, value) => value === null || value === undefined ? '–' : `${value.toFixed(1)} ${unit}`,
    ...(fill && { fill: `${colour(name)}22` })
  })
  return new UPlot({
    width: place.clientWidth,
    height: HEIGHT,
    cursor: { drag: { x: false, y: false }, y: false },
    scales: {
      x: { auto: false },
      '%': { range: (_, min, max) => [0, Math.max(100, Math.ceil((max ?? 0) / 50) * 50)] },
      ms: { range: (_, min, max) => [0, Math.max(20, Math.ceil((max ?? 0) / 10) * 10)] }
    },
    axes: [
      { ...axis, size: 32, space: 80, incrs: [1, 2, 5, 10, 15], values: (_, ticks) => ticks.map(tick => new Date(tick * 1000).toLocaleTimeString('en-GB')) },
      { ...axis, scale: '%', size: 52, space: 40, values: (_, ticks) => ticks.map(tick => `${tick} %`) },
      { ...axis, scale: 'ms', size: 56, space: 40, side: 1, grid: { show: false }, values: (_, ticks) => ticks.map(tick => `${tick} ms`) }
    ],
    series: [
      { value: (_, time) => time === null || time === undefined ? '' : new Date(time * 1000).toLocaleTimeString() },
      line('Machine', 'first', '%', '%', true),
      line('Process', 'second', '%', '%', true),
      line('Event loop', 'third', 'ms', 'ms')
    ]
  }, columns, place)
}

function gigabytes (bytes) {
  return (bytes / 2 ** 30).toFixed(1)
}
