import type { Shown } from '../../src/core/shown.ts'
import type { Definitions } from '../../src/history/definitions.ts'
import { movePast, type Past } from '../../src/history/remember.ts'
import { keptIn, written } from '../../src/history/state.ts'

/** The past as it would be if the clock had always been that many milliseconds ahead. */
export const shiftPast = (past: Past, byMs: number): Past => ({
  ...movePast(past, ms => ms + byMs),
  gaps: past.gaps.map(gap => ({ ...gap, from: gap.from + byMs })),
})

/** The text of a state file. */
export const stateText = (past: Past, definitions?: Definitions): Shown => written(past, definitions).text

/** The past that a state file tells. */
export const pastOf = (text: string): Past => keptIn(text).past
