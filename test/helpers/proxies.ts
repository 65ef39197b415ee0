import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { portToKeep } from './port.ts'

/** A proxy of Debian's, as its packages configure it but for ports and paths. */
export interface Proxy {
  name: string
  /** The program, looked for in /usr/sbin and /usr/bin. */
  program: string
  /** What has to be installed with apt. */
  packages: string
  /** The origin speaks HTTP/2 without TLS. */
  isHttp2?: boolean
  isCompressing?: boolean
  /** A broken response of the origin becomes a regular end: only the `error` event tells. */
  hidesFailures?: boolean
  /** It may pass a break on before what came just ahead of it, so that the `error` event is lost. */
  mayDropLast?: boolean
  /** Writes its files into the folder and returns the arguments of the program. */
  configure (folder: string, port: number, origin: number): string[]
}

type Test = { teardown (fn: () => unknown): void }

const write = (folder: string, name: string, text: string): string => {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

const nginx = (name: string, location: string, isCompressing = false): Proxy => ({
  name,
  isCompressing,
  program: 'nginx',
  packages: 'nginx-light',
  configure: (folder, port, origin) => ['-e', 'stderr', '-p', folder, '-c', write(folder, 'nginx.conf', `
daemon off; master_process off; pid ${folder}/pid; error_log stderr crit;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${origin}; ${location} } }
}`)]
})

const haproxy = (name: string, server: string, defaults = '', isHttp2 = false): Proxy => ({
  name,
  program: 'haproxy',
  packages: 'haproxy',
  isHttp2,
  configure: (folder, port, origin) => ['-q', '-f', write(folder, 'haproxy.cfg', `
defaults
  mode http
  timeout connect 5s
  timeout client 1m
  timeout server 1m
  ${defaults}
listen sse
  bind 127.0.0.1:${port}
  server origin 127.0.0.1:${origin} ${server}
`)]
})

const apache = (name: string, modules: string[] = [], directives = ''): Proxy => ({
  name,
  isCompressing: modules.includes('deflate'),
  program: 'apache2',
  packages: 'apache2',
  configure: (folder, port, origin) => ['-X', '-f', write(folder, 'apache.conf', `
ServerRoot ${folder}
ServerName localhost
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
Listen 127.0.0.1:${port}
${['mpm_event', 'authz_core', 'proxy', 'proxy_http', ...modules].map(name => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
${directives}
ProxyPass / http://127.0.0.1:${origin}/
`)]
})

export const PROXIES: Proxy[] = [
  nginx('nginx, HTTP/1.0 upstream (its default)', ''),
  nginx('nginx, HTTP/1.1 upstream', 'proxy_http_version 1.1; proxy_set_header Connection "";'),
  nginx('nginx, HTTP/1.1 upstream, gzip', 'proxy_http_version 1.1; proxy_set_header Connection ""; gzip on; gzip_proxied any; gzip_types text/event-stream;', true),
  haproxy('HAProxy, HTTP/1.1 upstream', ''),
  haproxy('HAProxy, HTTP/1.1 upstream, option http-no-delay', '', 'option http-no-delay'),
  haproxy('HAProxy, HTTP/2 upstream', 'proto h2', 'option http-no-delay', true),
  {
    name: 'Caddy',
    program: 'caddy',
    packages: 'caddy',
    hidesFailures: true,
    configure: (folder, port, origin) => ['run', '--adapter', 'caddyfile', '--config', write(folder, 'Caddyfile', `
{
  admin off
  log {
    level ERROR
  }
}
http://127.0.0.1:${port} {
  reverse_proxy 127.0.0.1:${origin}
}
`)]
  },
  apache('Apache'),
  apache('Apache, gzip', ['filter', 'deflate'], 'AddOutputFilterByType DEFLATE text/event-stream'),
  {
    name: 'Varnish',
    program: 'varnishd',
    packages: 'varnish',
    mayDropLast: true,
    configure: (folder, port, origin) => ['-j', 'none', '-F', '-n', join(folder, 'work'), '-s', 'malloc,16m', '-a', `127.0.0.1:${port}`, '-b', `127.0.0.1:${origin}`]
  },
  {
    name: 'Squid',
    program: 'squid',
    packages: 'squid',
    configure: (folder, port, origin) => ['-N', '-f', write(folder, 'squid.conf', `
http_port 127.0.0.1:${port} accel defaultsite=127.0.0.1 no-vhost
cache_peer 127.0.0.1 parent ${origin} 0 no-query originserver
http_access allow all
cache deny all
access_log none
cache_log ${folder}/cache.log
pid_filename ${folder}/pid
shutdown_lifetime 0 seconds
`)]
  }
]

/** The path of a proxy's program; undefined where it is not installed. */
export function programOf ({ program }: Proxy): string | undefined {
  return [`/usr/sbin/${program}`, `/usr/bin/${program}`].find(path => existsSync(path))
}

/** Starts a proxy before an origin, until the end of the test; resolves with its port. */
export async function startProxy (t: Test, proxy: Proxy, origin: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'sse-proxy-'))
  // Those that change their user have to write there too.
  chmodSync(folder, 0o777)
  const port = await portToKeep()
  const child = spawn(programOf(proxy)!, proxy.configure(folder, port, origin), { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH, HOME: folder } })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', text => { complaints += text })
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  })
  await listening(child, port, () => `${proxy.name} did not start: ${complaints}`)
  return port
}

async function listening (child: ChildProcess, port: number, complaint: () => string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (child.exitCode !== null) break
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise<boolean>(resolve => { socket.once('connect', () => resolve(true)).once('error', () => resolve(false)) })
    socket.destroy()
    if (isOpen) return
    await sleep(50)
  }
  throw new Error(complaint())
}
