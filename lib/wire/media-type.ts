// The media type of Server-Sent Events, and how to tell it from others.

/** The media type of Server-Sent Events (HTML, section 9.2). */
export const EVENT_STREAM = 'text/event-stream'

/** The `content-type` of a stream. The charset is for intermediaries: clients always read UTF-8. */
export const EVENT_STREAM_UTF8 = `${EVENT_STREAM}; charset=utf-8`

/** Whether a media type is `text/event-stream`, in any case and with any parameters (RFC 9110, section 8.3.1). */
export function isEventStream (mediaType: string): boolean {
  return mediaType.split(';', 1)[0]!.trim().toLowerCase() === EVENT_STREAM
}
