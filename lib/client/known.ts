import type { ContractValue } from './contract.ts'

/** What is read off a contract's value. */
export interface Known {
  readonly sentinel: string | undefined
  isRaw (event: string): boolean
  /** Whether the contract has the event by its name. */
  hasEvent (event: string): boolean
  /** What is wrong with an event that is not declared, or with data that the check refuses. */
  faultOf (event: string, data: unknown): ['EVENT' | 'PAYLOAD', string] | undefined
}

/** As the server's `Declaration`. */
interface Declaration {
  readonly events: Readonly<Record<string, object>> | null
  readonly payload: object | null
  readonly sentinel: string | undefined
}

const DECLARATION = Symbol.for('fastify-typed-sse.declaration')
const RAW = Symbol.for('fastify-typed-sse.raw')

/**
 * Reads a contract's value; a schema written by hand declares unnamed events. In a module of its own, which only those
 * load who give the value.
 */
export function knownOf (contract: ContractValue, check: ((schema: object, data: unknown) => boolean | string) | undefined): Known {
  const mediaType = contract.content['text/event-stream'] as { schema: object, [DECLARATION]?: Declaration }
  const { events, payload, sentinel } = mediaType[DECLARATION] ?? { events: null, payload: mediaType.schema, sentinel: undefined }
  const hasEvent = (event: string): boolean => events !== null && Object.hasOwn(events, event)
  const schemaOf = (event: string): object | undefined => (events === null ? payload : hasEvent(event) ? events[event] : null) ?? undefined
  return {
    sentinel,
    hasEvent,
    isRaw (event) {
      const schema = schemaOf(event)
      return schema !== undefined && RAW in schema
    },
    faultOf (event, data) {
      if (check === undefined) return undefined
      const schema = schemaOf(event)
      if (schema === undefined) return ['EVENT', 'is not declared']
      const verdict = check(schema, data)
      return verdict === true ? undefined : ['PAYLOAD', `has invalid data${verdict === false ? '' : `: ${verdict}`}`]
    }
  }
}
