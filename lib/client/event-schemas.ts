// What the client knows about the events of a stream beforehand: from the contract's value, or from the option `raw`.
import type { ContractValue } from './contract.ts'
import type { DecodeOptions } from './decode-options.ts'
import type { Fault } from './errors.ts'

/** The declared events of a stream. */
export interface EventSchemas {
  readonly sentinel: string | undefined
  isRaw (event: string): boolean
  /** Whether the event is declared by its name. */
  hasEvent (event: string): boolean
  /** What is wrong with an event: it is not declared, or `check` rejects its data. */
  faultOf (event: string, data: unknown): Fault | undefined
}

/** The part of the server's `Declaration` that the client reads. */
interface Declaration {
  /** Unnamed events are under `''`. */
  readonly events: ReadonlyMap<string, object>
  readonly sentinel: string | undefined
}

// Symbols of the registry: the contract may come from another copy of the package.
const DECLARATION = Symbol.for('fastify-typed-sse.declaration.2')
const RAW = Symbol.for('fastify-typed-sse.raw')
const STANDARD = Symbol.for('fastify-typed-sse.standard-schema')

export function eventSchemasOf ({ contract, raw = {}, check }: DecodeOptions): EventSchemas {
  return contract ? ofContract(contract, check) : ofRaw(raw)
}

/** Without the contract's value only the raw events are known. */
function ofRaw (raw: true | Record<string, true>): EventSchemas {
  const hasEvent = (event: string): boolean => raw !== true && Object.hasOwn(raw, event)
  return { sentinel: undefined, hasEvent, isRaw: event => raw === true ? event === 'message' : hasEvent(event), faultOf: () => undefined }
}

/** The events of a contract's value; a schema written by hand declares unnamed events. */
function ofContract (contract: ContractValue, check: DecodeOptions['check']): EventSchemas {
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
      // A contract keeps the JSON Schema of a Standard Schema, and the schema itself in it.
      const verdict = check((schema as { [STANDARD]?: object })[STANDARD] ?? schema, data)
      return verdict === true ? undefined : ['PAYLOAD', `has invalid data${verdict === false ? '' : `: ${verdict}`}`]
    }
  }
}
