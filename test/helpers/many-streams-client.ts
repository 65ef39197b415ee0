// Thousands of clients in a process of their own: `many-streams-client.ts <port>`.
import { connect, type Socket } from 'node:net'

const port = Number(process.argv[2])
/** Well under the backlog of the server. */
const OPENING = 1000

/** What was read of one stream, without what earlier questions were answered with. */
interface Client { socket: Socket, text: string, isOver: boolean }

let clients: Client[] = []
/** What `wait` waits for, and for whom. */
let wanted = ''
let onWanted = () => {}
const pending = new Set<Client>()

function open (path: string): Client {
  const socket = connect(port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`))
  const client = { socket, text: '', isOver: false }
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    client.text += text
    look(client)
  })
  socket.on('error', () => { /* the close tells */ })
  socket.on('close', () => {
    client.isOver = true
    look(client)
  })
  return client
}

function look (client: Client): void {
  if ((client.isOver || client.text.includes(wanted)) && pending.delete(client) && pending.size === 0) onWanted()
}

const actions = {
  /** Opens streams; resolves when each was sent a text. */
  async open ({ path, count, text }: { path: string, count: number, text: string }) {
    for (let left = count; left > 0; left -= OPENING) {
      clients.push(...Array.from({ length: Math.min(OPENING, left) }, () => open(path)))
      await actions.wait({ text })
    }
  },
  /** Resolves when each stream was sent a text since it was asked the last time, or is over. */
  async wait ({ text }: { text: string }) {
    wanted = text
    for (const client of clients) pending.add(client)
    await new Promise<void>(resolve => {
      onWanted = resolve
      for (const client of clients) look(client)
    })
  },
  /** Forgets what was read; gives the number of streams that are not over. */
  forget () {
    for (const client of clients) client.text = ''
    return clients.filter(({ isOver }) => !isOver).length
  },
  /** How often a text was sent, to all streams together. */
  count ({ text }: { text: string }) {
    return clients.reduce((sum, client) => sum + client.text.split(text).length - 1, 0)
  },
  leave () {
    for (const { socket } of clients) socket.destroy()
    clients = []
  }
}

process.on('message', async ({ action, ...input }: { action: keyof typeof actions, path: string, count: number, text: string }) => {
  process.send!({ answer: await actions[action](input) })
})
process.send!({ answer: undefined })
