/**
 * The browser's own EventSource, for a stream that needs no more: a GET without headers. What it lacks is here. It reconnects by
 * itself after a cut, but never again after an answer that is no stream, such as the 503 of a server that is shutting down, and
 * some browsers not even when nobody listens; then a new one is opened.
 *
 * @param {string} url
 * @param {object} options
 * @param {(data: any) => void} options.onMessage
 * @param {(state: 'connecting' | 'open' | 'waiting' | 'closed', note?: string) => void} options.onState
 * @returns {{ close: () => void }}
 */
function live (url, { onMessage, onState }) {
  let source
  let timer
  let attempts = 0

  function open () {
    onState(attempts === 0 ? 'connecting' : 'waiting')
    source = new window.EventSource(url)
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
    source.onmessage = ({ data }) => onMessage(JSON.parse(data))
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
