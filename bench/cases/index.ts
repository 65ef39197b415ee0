import type { Case } from './case.ts'
import { connects } from './connect.ts'
import { fanOuts } from './fan-out.ts'
import { fanStalled } from './fan-stalled.ts'
import { fairness } from './fairness.ts'
import { finite } from './finite.ts'
import { floods } from './flood.ts'
import { heartbeats } from './heartbeats.ts'
import { http2Cases } from './http2.ts'
import { idle } from './idle.ts'
import { logCases } from './logs.ts'
import { many } from './many.ts'
import { stall } from './stall.ts'
import { tick1000, trickles } from './tick.ts'

/** Every case, in the order in which it runs. */
export function allCases (heartbeat: number): Case[] {
  return [...floods, tick1000, ...trickles, idle, stall, heartbeats(heartbeat), many, finite, fairness, ...connects, ...fanOuts, ...fanStalled, ...http2Cases, ...logCases]
}
