// Draws the ratios of results.json, or of the file it is told, as chart.svg.
import { readFileSync, writeFileSync } from 'node:fs'
import { isPlugin } from './cases/case.ts'
import type { CaseResult, Results } from './results.ts'

interface Vega {
  parse: (spec: unknown) => unknown
  View: new (runtime: unknown, options: { renderer: 'none' }) => { toSVG: () => Promise<string> }
}
interface VegaLite { compile: (spec: unknown) => { spec: unknown } }

// by names the compiler cannot follow: it checks this file at the root, where bench's packages may be missing
const load = async (name: string) => await import(name) as unknown
const vega = await load('vega') as Vega
const vegaLite = await load('vega-lite') as VegaLite

const OURS = '#c2410c'
const OTHERS = '#94a3b8'
const INK = '#1f2937'
const LABELS: Record<string, string> = {
  base: 'node:http by hand',
  held: 'node:http, held open',
  'typed-sse': 'fastify-typed-sse',
  'fastify-readable': 'reply.send(Readable)',
  'fastify-sse': '@fastify/sse',
  'idle-topic': "a topic's reader",
  'idle-run': "a run's reader",
  'fan-loop': 'a loop of res.write',
  'fan-topic': 'a topic',
  'fan-socket': 'socket.write alone',
  'fan-fastify-sse': '@fastify/sse',
  'fan-better-sse': 'better-sse',
  'fan-nchan': 'nchan',
  hono: 'Hono'
}
const labelOf = (server: string) => LABELS[server] ?? server

/** The chart of one case: a bar a server, its length the median ratio, a line from the lowest to the highest. */
function drawCase ({ title, baseline, metrics, servers }: CaseResult) {
  const metric = metrics.find(({ better }) => better !== undefined)
  if (metric === undefined) return []
  const values = servers.flatMap(({ server, cells }) => {
    const ratio = cells[metric.key]?.ratio
    return ratio === undefined ? [] : [{ server: labelOf(server), isOurs: isPlugin(server), ...ratio }]
  })
  if (values.length < 2) return []
  const ends = Math.max(...values.map(({ max }) => max))
  return [{
    title: { text: title.split(/(?<=[:,]) /), subtitle: `${metric.label} relative to ${labelOf(baseline)}; ${metric.better} is better`, anchor: 'start', color: INK, subtitleColor: INK },
    width: 300,
    height: { step: 20 },
    data: { values },
    encoding: { y: { field: 'server', type: 'nominal', sort: null, title: null, axis: { ticks: false, domain: false, minExtent: 150 } } },
    layer: [
      { mark: { type: 'rule', color: INK, strokeDash: [3, 3] }, encoding: { x: { datum: 1 }, y: { value: 0 }, y2: { value: 'height' } } },
      {
        mark: { type: 'bar', height: 13 },
        encoding: {
          x: { field: 'median', type: 'quantitative', title: null, scale: { domain: [0, ends * 1.1] } },
          color: { condition: { test: 'datum.isOurs', value: OURS }, value: OTHERS }
        }
      },
      { mark: { type: 'rule', color: INK }, encoding: { x: { field: 'min', type: 'quantitative' }, x2: { field: 'max' } } },
      {
        mark: { type: 'text', align: 'left', dx: 5, color: INK },
        encoding: { x: { field: 'max', type: 'quantitative' }, text: { field: 'median', type: 'quantitative', format: '.3~r' } }
      }
    ]
  }]
}

const { command, machine, cases } = JSON.parse(readFileSync(process.argv[2] ?? new URL('results.json', import.meta.url), 'utf8')) as Results
const { cpu, cores, node, date, versions } = machine
const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
const third = Math.ceil(packages.length / 3)
const { spec } = vegaLite.compile({
  $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
  background: 'white',
  padding: 16,
  title: {
    text: 'fastify-typed-sse, with its validation on, beside the others',
    subtitle: [
      `${command}, ${date.slice(0, 10)}; medians, the lines from min to max`,
      `${cpu}, ${cores} cores, Node ${node}`,
      ...[0, 1, 2].map(line => packages.slice(line * third, (line + 1) * third).join(', '))
    ],
    anchor: 'start',
    color: INK,
    subtitleColor: INK,
    offset: 24
  },
  concat: cases.flatMap(drawCase),
  columns: 2,
  align: 'none',
  bounds: 'flush',
  config: { font: 'system-ui, sans-serif', view: { stroke: null }, axis: { labelFontSize: 12, labelLimit: 300, grid: false, labelColor: INK }, concat: { spacing: { row: 110, column: 200 } } }
})
const svg = await new vega.View(vega.parse(spec), { renderer: 'none' }).toSVG()
writeFileSync(new URL('chart.svg', import.meta.url), svg)
console.log('bench/chart.svg is written')
