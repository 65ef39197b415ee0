/**
 * A request of a button, which says where the server cannot be reached.
 *
 * @returns {Promise<Response | undefined>}
 */
export async function press (url, options) {
  const note = document.getElementById('unreachable')
  try {
    const response = await window.fetch(url, options)
    note.hidden = true
    return response
  } catch {
    note.hidden = false
  }
}
