// What the plugin adds to an operation beside its streams: the responses that it gives by itself, and a parameter.
import { isObject, type SchemaObject } from '../schema/walk.ts'
import { isEventStream } from '../wire/media-type.ts'
import { type StreamExtension } from './extension.ts'

const LAST_EVENT_ID = {
  in: 'header',
  name: 'Last-Event-ID',
  required: false,
  description: 'The id of the last event received: the stream resumes after it.',
  schema: { type: 'string' }
}

const END_OF_STREAM = 'There is nothing more to come: clients stop reconnecting.'

/**
 * The responses that the plugin gives by itself, unless the route declares them. Without a body: that is up to the
 * app's error handler.
 */
export function withAnswers (responses: SchemaObject, extensions: readonly StreamExtension[]): SchemaObject {
  const isDeclared = (status: string): boolean => [status, `${status[0]}XX`, 'default'].some(key => isObject(responses[key]) && !isStream(responses[key]))
  const own: Array<[status: string, isGiven: boolean, description: string]> = [
    ['404', extensions.some(({ hasRun }) => hasRun), 'There is no such run.'],
    ['406', extensions.some(({ isRefusable }) => isRefusable), 'The Accept header excludes text/event-stream.'],
    ['503', true, 'The server is shutting down, or no event came in time.']
  ]
  const given = own.filter(([status, isGiven]) => isGiven && !isDeclared(status)).map(([status, , description]) => [status, { description }])
  return {
    ...responses,
    ...(isUndescribed(responses[204]) ? { 204: { description: END_OF_STREAM } } : {}),
    ...Object.fromEntries(given)
  }
}

/** The operation's parameters with `Last-Event-ID`, unless the route describes the header itself. */
export function withLastEventId (parameters: unknown): unknown[] {
  const own = Array.isArray(parameters) ? parameters : []
  const isDescribed = own.some((parameter: SchemaObject) => parameter.in === 'header' && String(parameter.name).toLowerCase() === 'last-event-id')
  return isDescribed ? own : [...own, LAST_EVENT_ID]
}

function isStream ({ content }: SchemaObject): boolean {
  return isObject(content) && Object.keys(content).some(isEventStream)
}

/** Whether a 204 was declared without a description: @fastify/swagger then writes one that says nothing. */
function isUndescribed (response: unknown): boolean {
  return isObject(response) && response.description === 'Default Response' && response.content === undefined
}
