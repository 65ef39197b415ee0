import type { Cell, CaseResult } from './results.ts'
import type { Machine } from './machine.ts'

/** One case as text: a line a server, medians, ratios as `median (min..max)`. */
export function renderCase ({ title, rounds, baseline, metrics, servers }: CaseResult): string {
  const head = ['', ...metrics.flatMap(({ label, ratio }) => ratio ? [label, 'x ' + baseline] : [label])]
  const rows = servers.map(({ server, cells, failed }) => {
    const values = metrics.flatMap(({ key, digits, ratio }) => columns(cells[key], digits, ratio))
    return [server, ...values, ...failed === undefined ? [] : [`failed: ${failed}`]]
  })
  return `${title} (${rounds} round${rounds > 1 ? 's' : ''})\n${align([head, ...rows])}\n`
}

export function renderMachine ({ cpu, cores, pinned, node, versions }: Machine): string {
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')
  return `${cpu}, ${cores} cores${pinned ? ', server and clients pinned to one each' : ', not pinned'}, Node ${node}\n${packages}\n`
}

function columns (cell: Cell | undefined, digits: number, ratio: true | undefined) {
  const value = cell === undefined ? '-' : format(cell.value.median, digits)
  if (ratio === undefined) return [value]
  if (cell?.ratio === undefined) return [value, '-']
  const { median, min, max } = cell.ratio
  return [value, `${format(median, 2)} (${format(min, 2)}..${format(max, 2)})`]
}

function format (value: number, digits: number) {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function align (rows: string[][]) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows.map(row => '  ' + row.map((text, column) => {
    return column === 0 ? text.padEnd(widths[0] as number) : text.padStart(widths[column] ?? 0)
  }).join('  ').trimEnd()).join('\n')
}
