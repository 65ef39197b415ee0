// The encoders of an app: each declaration is compiled once, with the schemas and the Ajv of its scope.
import { type Extensions, SchemaCompiler } from './check.ts'
import { type Declaration } from '../contract/declaration.ts'
import { compileEncoder, type Encoder } from './encoder.ts'

type Schemas = Record<string, unknown>

/** Compiles each declaration once: a HEAD route shares that of its GET, and routes may share a contract. */
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

  /** Whether this compiler was built from the same schemas and Ajv options. */
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

/** The compilers of an app, shared by scopes with equal schemas and options: an Ajv takes 12 ms to build, so one for each route would dominate an app's start. */
export class CompilerCache {
  readonly #all: Compiler[] = []

  /**
   * The compiler for a scope.
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
