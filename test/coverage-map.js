import { readdirSync } from 'node:fs'

// Every test may cover every file of lib/, but not those of the build, which the examples run on.
const lib = readdirSync('lib', { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts')).map(file => `lib/${file}`)

export default () => lib
