// Preloaded by every test: compiles TypeScript with a cache. tap's own plugin loads the compiler in each process, which is
// a second of CPU for each of some eighty files.
import { register } from 'node:module'

register('./hooks.js', import.meta.url)
