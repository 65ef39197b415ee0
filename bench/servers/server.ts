import type { Server } from 'node:net'
import type { Routes, Workload } from '../sources.ts'

/** Every file beside this one exports a `start` of this type: it serves each route's source as server-sent events on a free port. */
export type Start = (routes: Routes, workload: Workload) => Promise<Server>
