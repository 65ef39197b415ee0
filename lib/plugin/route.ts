// The streams of one route: what it declares for which status code, and the options they have. Knows no Fastify.
import { type Compiler } from '../encode/compiler.ts'
import { type Declaration, declarationOf, isContract } from '../contract/declaration.ts'
import { type Encoder, undeclaredEncoder } from '../encode/encoder.ts'
import { SSE_ERR_CONTRACT, SSE_ERR_ERROR_EVENT, SSE_ERR_NO_CONTRACT, SSE_ERR_NOT_COMPILED } from '../errors.ts'
import { type ResolvedOptions, resolveOptions, type SseOptions } from '../response/options.ts'
import { hasNoBody } from '../response/framing.ts'
import { dataLines, END } from '../wire/frame.ts'

/** What one response of a route streams. */
export interface Contract {
  readonly encoder: Encoder
  /** The frame after the last event, or ''. */
  readonly sentinel: string
  /** The same as it was declared. */
  readonly sentinelData: string | undefined
  /** Its declared events by name. */
  readonly events: Declaration['events']
}

const UNDECLARED: Contract = { encoder: undeclaredEncoder, sentinel: '', sentinelData: undefined, events: new Map() }

/** What to write in place of a stream whose status allows none. */
export const WITHOUT_BODY = 'a response with that status has no body; leave out reply.code() (a source that is null answers 204)'

/** A route, as far as its streams go. */
export interface RouteDefinition {
  readonly url: string
  /** Its response schemas by status code, if it has any. */
  readonly responses: Record<string, unknown> | undefined
  /** Its own options. */
  readonly options: SseOptions | undefined
}

/** The streams that a route declares, by the keys of its response schemas. */
export class StreamRoute {
  readonly options: ResolvedOptions
  readonly #url: string
  readonly #responses: Record<string, unknown> | undefined
  readonly #declarations = new Map<string, Declaration>()
  readonly #contracts = new Map<string, Contract>()
  readonly #keys = new Map<number, string | undefined>()

  /**
   * @param defaults the options of the plugin in the scope of the route
   * @throws SSE_ERR_OPTION, SSE_ERR_ERROR_EVENT, SSE_ERR_CONTRACT for a stream as the response to a status without a body
   */
  constructor ({ url, responses, options }: RouteDefinition, defaults: ResolvedOptions) {
    this.#url = url
    this.options = resolveOptions(options, defaults)
    this.#responses = responses
    for (const [status, response] of Object.entries(responses ?? {})) {
      const declaration = declarationOf(response)
      if (declaration === undefined) continue
      // Of a class, such as '1xx', its first status stands for all.
      if (hasNoBody(Number(status.replaceAll(/x/gi, '0')))) throw new SSE_ERR_CONTRACT(`Route '${url}' declares an event stream for status ${status}, whose responses have no body: declare it for another, such as 200`)
      checkErrorEvent(declaration.events, this.options)
      this.#declarations.set(status, declaration)
    }
  }

  get url (): string {
    return this.#url
  }

  /** Whether some response of the route is an event stream. */
  get isDeclared (): boolean {
    return this.#declarations.size > 0
  }

  /** The keys of the responses that are event streams. */
  get statuses (): string[] {
    return Array.from(this.#declarations.keys())
  }

  /** Whether the route says nothing of its responses. */
  get isUndeclared (): boolean {
    return this.#responses === undefined
  }

  /** @param compiler that of the route's scope */
  async compile (compiler: Compiler): Promise<void> {
    for (const [status, declaration] of this.#declarations) {
      this.#contracts.set(status, {
        encoder: await compiler.compile(declaration),
        sentinel: declaration.sentinel === undefined ? '' : dataLines(declaration.sentinel) + END + END,
        sentinelData: declaration.sentinel,
        events: declaration.events
      })
    }
  }

  /**
   * The contract for a status code: that of the code, of its class (`2xx`), or of `default`.
   *
   * @throws SSE_ERR_NO_CONTRACT when the route declares responses but no stream for this one, or the status allows no body, SSE_ERR_NOT_COMPILED when
   *   it was defined before the plugin was loaded
   */
  contract (status: number): Contract {
    if (this.#responses === undefined && !hasNoBody(status)) return UNDECLARED
    const key = this.#key(status)
    if (key === undefined) throw new SSE_ERR_NO_CONTRACT(this.#url, status, this.#advice(status))
    const contract = this.#contracts.get(key)
    if (contract === undefined) throw new SSE_ERR_NOT_COMPILED(this.#url)
    return contract
  }

  /** Whether the response for a status code is, or may be, an event stream. */
  isStream (status: number): boolean {
    return this.#key(status) !== undefined
  }

  /** Whether the response for a status code is an event stream and nothing else. */
  isOnlyStream (status: number): boolean {
    const key = this.#key(status)
    if (key === undefined) return false
    const { content } = this.#responses![key] as { content: object }
    return Object.keys(content).length === 1
  }

  /** Whether clients whose Accept header excludes the only good answer get a 406. */
  get isRefusable (): boolean {
    return this.options.strictAccept && this.isOnlyStream(200)
  }

  /** What to write so that a status code has a stream. */
  #advice (status: number): string {
    if (hasNoBody(status)) return WITHOUT_BODY
    if (this.#nearest(status) !== undefined) return 'write EventStream(schema) in place of the plain schema of its response'
    if (this.isDeclared) return `call reply.code() with a status that has one (${this.statuses.join(', ')}), or declare one for ${status}`
    return `declare EventStream(schema) as its response for ${status}`
  }

  /** The key of the response for a status code, if that is an event stream. */
  #key (status: number): string | undefined {
    if (this.#keys.has(status)) return this.#keys.get(status)
    const nearest = hasNoBody(status) ? undefined : this.#nearest(status)
    const key = nearest !== undefined && this.#declarations.has(nearest) ? nearest : undefined
    this.#keys.set(status, key)
    return key
  }

  /** The key of the response for a status code, as Fastify finds it. */
  #nearest (status: number): string | undefined {
    const names = Object.keys(this.#responses ?? {})
    return [String(status), `${Math.trunc(status / 100)}xx`, 'default']
      .map(candidate => names.find(name => name.toLowerCase() === candidate))
      .find(name => name !== undefined)
  }
}

/** The places of a route's schema where an event stream would not be looked for; '' is the schema itself. */
const WRONG_PLACES = ['', 'response', 'body', 'querystring', 'query', 'params', 'headers']

/** @throws SSE_ERR_CONTRACT when what `EventStream` returns is in a place where it declares nothing */
export function checkPlaces (url: string, schema: Readonly<Record<string, unknown>> = {}): void {
  const place = WRONG_PLACES.find(key => isContract(key === '' ? schema : schema[key])) ?? mediaTypeOf(schema.response)
  if (place === undefined) return
  throw new SSE_ERR_CONTRACT(`The \`${['schema', place].filter(String).join('.')}\` of route '${url}' is an event stream, which only a response can be: write \`schema: { response: { 200: EventStream(schema) } }\``)
}

/** Where an event stream stands as the schema of a media type; undefined if nowhere. */
function mediaTypeOf (responses: unknown): string | undefined {
  for (const [status, response] of Object.entries(responses ?? {})) {
    const { content } = Object(response) as { content?: Record<string, { schema?: unknown } | null> | null }
    for (const [name, mediaType] of Object.entries(content ?? {})) {
      const place = `response.${status}.content['${name}']`
      if (isContract(mediaType)) return place
      if (isContract(mediaType?.schema)) return `${place}.schema`
    }
  }
  return undefined
}

/** @throws SSE_ERR_ERROR_EVENT when failures would be sent under the name of a declared event */
export function checkErrorEvent (events: Declaration['events'], options: ResolvedOptions): void {
  if (typeof options.errorEvent === 'string' && events.has(options.errorEvent)) {
    throw new SSE_ERR_ERROR_EVENT(options.errorEvent)
  }
}
