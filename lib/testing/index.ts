export { injectStream, type InjectedStream, type InjectStreamOptions } from './inject-stream.ts'
