// Numbers as JSON writes them. V8 keeps the texts of the last few thousand numbers it converted. Where numbers
// hardly repeat, as ids, timestamps and probabilities, keeping them is a third of the CPU of a stream (bench: flood): each
// collection of garbage copies them. Here whole numbers and short decimals are put together from tables; `JSON.stringify`
// writes the others, and keeps nothing.

const THREE_DIGITS = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'))
const UP_TO_THREE_DIGITS = Array.from({ length: 1000 }, (_, n) => String(n))
/** Of the last digits after a point. */
const WITHOUT_END_ZEROS = THREE_DIGITS.map(digits => digits.replace(/0+$/, ''))

/** Decimals of up to 15 digits are all different numbers, so each is the shortest text of its own. */
const MAX_SCALED = 1e15

/** The text of a finite number, as `JSON.stringify` writes it. */
export function numberText (n: number): string {
  if (Number.isSafeInteger(n)) return n < 0 ? '-' + whole(-n) : whole(n)
  // Both operands are exact and division rounds correctly: where the quotient is n, the decimal reads back as n.
  const scaled = Math.round(n * 1e6)
  if (scaled / 1e6 !== n || Math.abs(scaled) >= MAX_SCALED) return JSON.stringify(n)
  return scaled < 0 ? '-' + decimal(-scaled) : decimal(scaled)
}

/** @param n a safe integer that is not negative */
function whole (n: number): string {
  if (n < 1e3) return UP_TO_THREE_DIGITS[n]!
  // Not by `%`, which is slow for numbers of more than 31 bits.
  const high = Math.floor(n / 1e3)
  return whole(high) + THREE_DIGITS[n - high * 1e3]!
}

/** @param millionths a positive integer, and no multiple of a million */
function decimal (millionths: number): string {
  const thousandths = Math.floor(millionths / 1e3)
  const integer = Math.floor(thousandths / 1e3)
  const high = thousandths - integer * 1e3
  const low = millionths - thousandths * 1e3
  return whole(integer) + '.' + (low === 0 ? WITHOUT_END_ZEROS[high]! : THREE_DIGITS[high]! + WITHOUT_END_ZEROS[low]!)
}
