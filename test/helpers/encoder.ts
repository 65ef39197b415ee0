import { checkCompiler } from '../../lib/encode/check.ts'
import { declarationOf } from '../../lib/contract/declaration.ts'
import { compileEncode, type Encode } from '../../lib/encode/encoder.ts'
import { EventStream } from '../../lib/contract/event-stream.ts'
import { type EventStreamOptions } from '../../lib/contract/types.ts'

/** The encoder of a contract, without a server around it. */
export async function encoder (schemas: object, options: EventStreamOptions = {}, shared: Record<string, object> = {}): Promise<Encode> {
  return await encoderOf(EventStream(schemas, options), shared)
}

/** The encoder of a response schema as Fastify takes it. */
export function encoderOf (response: object, shared: Record<string, object> = {}): Promise<Encode> {
  return compileEncode(declarationOf(response)!, { compileCheck: checkCompiler(shared), shared })
}
