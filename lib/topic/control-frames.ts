// The frames that readers of topics and runs get beside events.
import { type Presentation } from '../log/reading.ts'
import { GAP, type GapData, READY } from '../wire/control.ts'
import { DATA, END, eventLine, positionLines } from '../wire/frame.ts'
import { Frames } from '../wire/frames.ts'
import { Checkpoint } from '../wire/message.ts'

/** A position to resume from. */
export function readyFrame (id: string): Frames {
  return control(READY.name, {}, id)
}

/** @param id the cursor just before `next`; undefined where a snapshot follows, so that a reader cut in between starts over */
export function gapFrame (gap: GapData, id?: string): Frames {
  return control(GAP.name, gap, id)
}

/** An empty `data:` line with an id. */
export function checkpointFrame (id: string): Frames {
  return Frames.of(new Checkpoint({ id }).toFrame(), 0)
}

/** Ends a response well, without last frames. */
export function regularEnd (): ReturnType<Presentation['end']> {
  return { last: null, isGood: true }
}

/** The sentinel, which ends a run that is complete. */
export function sentinelFrame (sentinel: string, id: string): Frames {
  return Frames.of(DATA + sentinel + END + positionLines(undefined, id) + END, 0)
}

function control (name: string, data: object, id: string | undefined): Frames {
  return Frames.of(eventLine(name) + DATA + JSON.stringify(data) + END + positionLines(undefined, id) + END, 0)
}
