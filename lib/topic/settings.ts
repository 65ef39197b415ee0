// The options of topics and runs, checked where they are given.
import { checked, type Rule } from './rules.ts'
import { type RunOptions, type RunSettings } from './run.ts'
import { type TopicOptions, type TopicSettings } from './topic.ts'

/** The longest delay of a timer, ms: beyond it Node fires at once. */
const MAX_DELAY = 2 ** 31 - 1
/** A lease is renewed every third of it, and its loss is looked for in the same time. */
const SHORTEST_LEASE = 100

const integer = (min: number, max: number, unit: string): Rule => ({
  expected: `an integer of ${unit} from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`,
  accepts: value => Number.isSafeInteger(value) && value as number >= min && value as number <= max
})
const call: Rule = { expected: 'a function', accepts: value => typeof value === 'function' }

const TTL = integer(1, Number.MAX_SAFE_INTEGER, 'ms')
const MAX_EVENTS = integer(1, Number.MAX_SAFE_INTEGER, 'events')
const TOPIC_RULES: Readonly<Record<keyof TopicOptions, Rule>> = { maxEvents: MAX_EVENTS, ttl: TTL, snapshot: call, conflate: call }
const RUN_RULES: Readonly<Record<keyof RunOptions, Rule>> = {
  ttl: TTL,
  lease: integer(SHORTEST_LEASE, MAX_DELAY, 'ms'),
  maxEvents: MAX_EVENTS,
  maxBytes: integer(1, Number.MAX_SAFE_INTEGER, 'bytes'),
  shutdownGrace: integer(0, MAX_DELAY, 'ms')
}

const TOPIC_DEFAULTS: TopicSettings = { maxEvents: 1000, ttl: 3_600_000, snapshot: undefined, conflate: undefined }
const RUN_DEFAULTS: RunSettings = { ttl: 3_600_000, lease: 15_000, maxEvents: 100_000, maxBytes: 16_777_216, shutdownGrace: 10_000 }

/** @throws SSE_ERR_OPTION */
export function topicSettings (options: unknown): TopicSettings {
  return { ...TOPIC_DEFAULTS, ...checked(options, TOPIC_RULES) }
}

/** @throws SSE_ERR_OPTION */
export function runSettings (options: unknown): RunSettings {
  return { ...RUN_DEFAULTS, ...checked(options, RUN_RULES) }
}
