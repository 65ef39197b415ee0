import type { ContractValue } from './contract.ts'
import type { DecodeOptions } from './decode-options.ts'
import type { Fault } from './errors.ts'

/** What is known of a stream's events beforehand. */
export interface Known {
  readonly sentinel: string | undefined
  isRaw (event: string): boolean
  /** Whether the event is told of by its name. */
  hasEvent (event: string): boolean
  /** What is wrong with an event that is not declared, or with data that the check refuses. */
  faultOf (event: string, data: unknown): Fault | undefined
}

/** As the server's `Declaration`. */
interface Declaration {
  /** Unnamed events are under `''`. */
  readonly events: ReadonlyMap<string, object>
  readonly sentinel: string | undefined
}

const DECLARATION = Symbol.for('fastify-typed-sse.declaration.2')
const RAW = Symbol.for('fastify-typed-sse.raw')

/** In a module of its own, which only those load who tell of their events. */
export function knownOf ({ contract, raw, check }: DecodeOptions): Known {
  return contract ? declared(contract, check) : told(raw)
}

/** What the option alone tells. */
function told (raw: DecodeOptions['raw']): Known {
  const hasEvent = (event: string): boolean => raw !== true && Object.hasOwn(raw!, event)
  return { sentinel: undefined, hasEvent, isRaw: event => raw === true ? event === 'message' : hasEvent(event), faultOf: () => undefined }
}

/** What a contract's value tells; a schema written by hand declares unnamed events. */
function declared (contract: ContractValue, check: DecodeOptions['check']): Known {
  const mediaType = contract.content['text/event-stream'] as { schema: object, [DECLARATION]?: Declaration }
  const { events, sentinel } = mediaType[DECLARATION] ?? { events: new Map([['', mediaType.schema]]), sentinel: undefined }
  const hasEvent = (event: string): boolean => event !== '' && events.has(event)
  const schemaOf = (event: string): object | undefined => events.get(event) ?? (event === 'message' ? events.get('') : undefined)
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
