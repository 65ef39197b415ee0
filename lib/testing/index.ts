// The entry `fastify-typed-sse/testing`.
export { injectStream, type InjectedStream, type InjectStreamOptions } from './inject-stream.ts'
export { storeCases } from './store-cases.ts'
export { type StoreCase, type StoreUnderTest } from './store/pair.ts'
