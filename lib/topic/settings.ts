// The options of topics and runs, checked where they are given.
import { checkOptions, integer, LONGEST_DELAY, type Rule, type Rules } from '../options.ts'
import { type RunOptions, type RunSettings } from './run.ts'
import { type TopicOptions, type TopicSettings } from './topic.ts'

/** A lease is renewed every third of it, and its loss is looked for in the same time. */
const SHORTEST_LEASE = 100

const call: Rule = { expected: 'a function', accepts: value => typeof value === 'function' }

const TTL = integer(1, Number.MAX_SAFE_INTEGER, 'ms')
const MAX_EVENTS = integer(1, Number.MAX_SAFE_INTEGER, 'events')
const TOPIC_RULES: Rules<TopicOptions> = { maxEvents: MAX_EVENTS, ttl: TTL, snapshot: call, conflate: call }
const RUN_RULES: Rules<RunOptions> = {
  ttl: TTL,
  lease: integer(SHORTEST_LEASE, LONGEST_DELAY, 'ms'),
  maxEvents: MAX_EVENTS,
  maxBytes: integer(1, Number.MAX_SAFE_INTEGER, 'bytes'),
  shutdownGrace: integer(0, LONGEST_DELAY, 'ms')
}

const TOPIC_DEFAULTS: TopicSettings = { maxEvents: 1000, ttl: 3_600_000, snapshot: undefined, conflate: undefined }
const RUN_DEFAULTS: RunSettings = { ttl: 3_600_000, lease: 15_000, maxEvents: 100_000, maxBytes: 16_777_216, shutdownGrace: 10_000 }

/** @throws SSE_ERR_OPTION */
export function topicSettings (options: unknown = {}): TopicSettings {
  return { ...TOPIC_DEFAULTS, ...checkOptions(options, TOPIC_RULES) } as TopicSettings
}

/** @throws SSE_ERR_OPTION */
export function runSettings (options: unknown = {}): RunSettings {
  return { ...RUN_DEFAULTS, ...checkOptions(options, RUN_RULES) } as RunSettings
}
