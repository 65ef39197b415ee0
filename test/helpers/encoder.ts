import { SchemaCompiler } from '../../lib/encode/check.ts'
import { declarationOf } from '../../lib/contract/declaration.ts'
import { compileEncoder, type Encoder, undeclaredEncoder } from '../../lib/encode/encoder.ts'
import { Outgoing } from '../../lib/wire/frames.ts'
import { EventStream, type EventStreamOptions } from '../../lib/contract/event-stream.ts'

export type Encode = (item: unknown) => string

/** The frame of an item. */
export function framesOf (encoder: Encoder): Encode {
  return item => {
    const out = new Outgoing()
    encoder.frame(item, out)
    return out.take()
  }
}

export const encodeUndeclared = framesOf(undeclaredEncoder)

/** The frames of a contract, without a server around it. */
export async function encoder (schemas: object, options: EventStreamOptions = {}, shared: Record<string, object> = {}): Promise<Encode> {
  return await encoderOf(EventStream(schemas, options), shared)
}

/** The frames of a response schema as Fastify takes it. */
export async function encoderOf (response: object, shared: Record<string, object> = {}): Promise<Encode> {
  return framesOf(await compile(response, shared))
}

/** The encoder of a contract. */
export function recorder (schemas: object): Promise<Encoder> {
  return compile(EventStream(schemas), {})
}

function compile (response: object, shared: Record<string, object>): Promise<Encoder> {
  return compileEncoder(declarationOf(response)!, new SchemaCompiler(shared))
}
