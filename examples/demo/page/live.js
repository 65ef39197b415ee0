/**
 * An EventSource that does not give up. Browsers reconnect by themselves after a cut, but never again after an answer that is no
 * stream, such as the 503 of a server that is shutting down, and some not even when nobody listens. Then a new one is opened,
 * with the last id in the URL, where a page may put it.
 *
 * @param {string} url
 * @param {object} options
 * @param {Record<string, (data: any, id: string) => void>} options.on handlers by event name; `message` for unnamed events
 * @param {(state: 'connecting' | 'open' | 'waiting' | 'closed', note?: string) => void} options.onState
 * @returns {{ close: () => void }}
 */
export function live (url, { on, onState }) {
  let source
  let timer
  let lastId = ''
  let attempts = 0

  function open () {
    onState(attempts === 0 ? 'connecting' : 'waiting')
    source = new window.EventSource(lastId === '' ? url : `${url}?lastEventId=${encodeURIComponent(lastId)}`)
    source.onopen = () => {
      attempts = 0
      onState('open')
    }
    // The event `error` is the browser's when it has no data, and the server's when it has.
    source.onerror = ({ data }) => {
      attempts++
      onState('waiting', data === undefined ? undefined : JSON.parse(data).message)
      if (source.readyState === window.EventSource.CLOSED) timer = setTimeout(open, Math.min(500 * 2 ** attempts, 8000))
    }
    for (const [name, handle] of Object.entries(on)) {
      source.addEventListener(name, event => {
        lastId = event.lastEventId
        handle(JSON.parse(event.data), event.lastEventId)
      })
    }
  }

  open()
  return {
    close () {
      clearTimeout(timer)
      source.close()
      onState('closed')
    }
  }
}

/** Keeps a stream only while the page is seen: over HTTP/1.1 a browser has six connections to a server, for all tabs together. */
export function liveWhileSeen (url, options) {
  let stream = live(url, options)
  document.addEventListener('visibilitychange', () => {
    stream?.close()
    stream = document.hidden ? undefined : live(url, options)
  })
}
