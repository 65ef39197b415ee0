/** Where there are several instances, says in a panel's head which of them answered. */
export function showInstance (panel, instance) {
  if (!instance) return
  panel.querySelector('.state').dataset.instance = instance
  document.getElementById('kill').hidden = false
}

/**
 * `fetch` for the stream of a panel, which shows who served it.
 *
 * @param {boolean} isShared whether another tab may have the connection: it leaves word
 */
export function fetchFor (panel, isShared) {
  const key = `served ${panel.id}`
  if (isShared) {
    showInstance(panel, localStorage[key])
    window.addEventListener('storage', event => { if (event.key === key) showInstance(panel, event.newValue) })
  }
  return async (url, init) => {
    const response = await window.fetch(url, init)
    const instance = response.headers.get('x-served-by')
    showInstance(panel, instance)
    if (isShared) localStorage[key] = instance ?? ''
    return response
  }
}
