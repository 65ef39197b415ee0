// The ceiling for any library on Node: what was published in a turn is one finished chunk, written to each socket in a loop.
import type { Socket } from 'node:net'
import { fanOutServer } from './fan-out.ts'
import type { Start } from './server.ts'

export const start: Start = () => {
  const sockets = new Set<Socket>()
  let frames = ''
  const flush = () => {
    const chunk = Buffer.from(`${Buffer.byteLength(frames).toString(16)}\r\n${frames}\r\n`)
    frames = ''
    for (const socket of sockets) socket.write(chunk)
  }
  return fanOutServer((request, response) => {
    const { socket } = request
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    response.flushHeaders()
    sockets.add(socket)
    response.on('close', () => sockets.delete(socket))
  }, message => {
    if (frames === '') process.nextTick(flush)
    frames += `data: ${JSON.stringify(message)}\n\n`
  })
}
