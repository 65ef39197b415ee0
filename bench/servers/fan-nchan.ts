// nchan, a module of nginx in C. Publishing goes through its own location, by requests of this process.
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { startGuarded, type Guarded } from '../guarded.ts'
import { nextMessage, publishing } from './fan-out.ts'
import type { Start } from './server.ts'

const PORT = 18_080 + process.pid % 1000

let nginx: Guarded

/** User and system time of nginx so far, us. */
export const cpu = (): number => nginx.cpu()

const configOf = (folder: string) => `
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off; master_process off; pid ${folder}/pid; error_log stderr crit; worker_rlimit_nofile 20000;
events { worker_connections 19000; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
  server {
    listen 127.0.0.1:${PORT} backlog=4096;
    location = /fan { nchan_subscriber eventsource; nchan_channel_id fan; nchan_subscriber_first_message newest; }
    location = /publish-one { nchan_publisher; nchan_channel_id fan; nchan_message_buffer_length 1000; }
    location = /publish { proxy_pass http://127.0.0.1:${PORT + 1000}; }
  }
}`

export const start: Start = async () => {
  nginx = await startGuarded(PORT, folder => {
    const config = join(folder, 'nginx.conf')
    writeFileSync(config, configOf(folder))
    return ['nginx', '-e', 'stderr', '-p', folder, '-c', config]
  })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const publish = (size: number) => {
    const request = http.request({ port: PORT, path: '/publish-one', method: 'POST', agent }, response => response.resume())
    request.end(JSON.stringify(nextMessage(size)))
  }
  const publisher = http.createServer((request, response) => {
    const { n, size } = publishing(request.url as string)
    for (let i = 0; i < n; i++) publish(size)
    response.end()
  })
  await new Promise<void>(resolve => publisher.listen(PORT + 1000, '127.0.0.1', resolve))
  // The readers' port is that of nginx.
  publisher.address = () => ({ address: '127.0.0.1', family: 'IPv4', port: PORT })
  return publisher
}
