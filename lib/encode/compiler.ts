import { type Extensions, SchemaCompiler } from './check.ts'
import { type Declaration } from '../contract/declaration.ts'
import { compileEncoder, type Encoder } from './encoder.ts'

type Schemas = Record<string, unknown>

/** Compiles declarations with the schemas of some scopes, each once: a HEAD route has that of its GET, and others may share theirs. */
export class Compiler {
  readonly #shared: Schemas
  readonly #extensions: Extensions | undefined
  readonly #schemas: SchemaCompiler
  readonly #encoders = new WeakMap<Declaration, Promise<Encoder>>()

  /** @param shared the schemas of a scope by `$id` */
  constructor (shared: Schemas, extensions: Extensions | undefined) {
    this.#shared = shared
    this.#extensions = extensions
    this.#schemas = new SchemaCompiler(shared, extensions)
  }

  /** Whether it would be made with the same. */
  serves (shared: Schemas, extensions: Extensions | undefined): boolean {
    const ids = Object.keys(shared)
    return extensions === this.#extensions && ids.length === Object.keys(this.#shared).length && ids.every(id => shared[id] === this.#shared[id])
  }

  /** @throws SSE_ERR_SCHEMA */
  compile (declaration: Declaration): Promise<Encoder> {
    const known = this.#encoders.get(declaration)
    if (known !== undefined) return known
    const encoder = compileEncoder(declaration, this.#schemas)
    this.#encoders.set(declaration, encoder)
    return encoder
  }
}

/** The compilers of an app. An Ajv takes 12 ms to make: one for each route would be most of the time in which an app gets ready. */
export class Compilers {
  readonly #all: Compiler[] = []

  /**
   * The one for a scope.
   *
   * @param shared its schemas by `$id`
   */
  of (shared: Schemas, extensions: Extensions | undefined): Compiler {
    const known = this.#all.find(compiler => compiler.serves(shared, extensions))
    if (known !== undefined) return known
    const compiler = new Compiler(shared, extensions)
    this.#all.push(compiler)
    return compiler
  }
}
