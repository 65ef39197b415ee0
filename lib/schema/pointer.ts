// JSON pointers (RFC 6901).

/** The keys that a pointer names, from the outermost to the innermost. */
export function keysOf (pointer: string): string[] {
  return pointer.split('/').slice(1).map(token => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The pointer that names these keys. */
export function pointerOf (keys: ReadonlyArray<string | number>): string {
  return keys.map(key => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** The value that a pointer leads to, through own properties only; undefined where there is none. */
export function valueAt (value: unknown, pointer: string): unknown {
  let found = value
  for (const key of keysOf(pointer)) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as Record<string, unknown>)[key]
  }
  return found
}
