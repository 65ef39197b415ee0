// What the processes of the cases without HTTP answer with. Apart from `servers/log-host.ts`, which has the types of a build.
export interface PublishResult { published: number, busy: number, ms: number }

/** us from `publish` to the reader of another process. */
export interface Followed { p50: number, p99: number }
