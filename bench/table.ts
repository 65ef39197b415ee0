import type { Cell, CaseResult } from './results.ts'
import type { Machine } from './machine.ts'

/** One case as text: a line a server, medians, ratios as `median (min..max)`. */
export function renderCase ({ title, rounds, baseline, metrics, servers, note }: CaseResult): string {
  const head = ['', ...metrics.flatMap(({ label, better }) => better ? [label, 'x ' + baseline] : [label])]
  const rows = servers.map(({ server, cells, failed }) => {
    const values = metrics.flatMap(({ key, digits, better }) => columns(cells[key], digits, better !== undefined))
    return [server, ...values, ...failed === undefined ? [] : [`failed: ${failed}`]]
  })
  return `${title} (${rounds} round${rounds > 1 ? 's' : ''})\n${align([head, ...rows])}\n${note === undefined ? '' : `  ${note}\n`}`
}

export function renderMachine ({ cpu, cores, pinned, node, versions }: Machine): string {
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')
  return `${cpu}, ${cores} cores${pinned ? ', server and clients pinned to one each' : ', not pinned'}, Node ${node}\n${packages}\n`
}

function columns (cell: Cell | undefined, digits: number, hasRatio: boolean) {
  const value = cell === undefined ? '-' : format(cell.value.median, digits)
  if (!hasRatio) return [value]
  if (cell?.ratio === undefined) return [value, '-']
  const { median, min, max } = cell.ratio
  const ratioDigits = median < 0.1 ? 4 : 2
  return [value, `${format(median, ratioDigits)} (${format(min, ratioDigits)}..${format(max, ratioDigits)})`]
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
