import { stateFile, type StateFile } from '../clients/state-file.ts'
import { describeError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Check } from '../core/probe.ts'
import type { StateFileState } from '../exposition/samples.ts'
import type { History } from '../history/history.ts'
import { definitionsOf, newKey, sameAs } from '../history/definitions.ts'
import { withoutChecks, type Past } from '../history/remember.ts'
import { keptIn, maxStateBytes, setPastBack, written } from '../history/state.ts'
import { every } from '../monitor/scheduler.ts'

/** Keeps what happened in a file. */
export interface Keeping {
  /** What the file told at the start. */
  readonly past: Past | undefined
  readonly state: () => StateFileState
  /** Writes what changes until `stop` aborts, and a last time then. */
  run(past: () => Past | undefined, stop: AbortSignal): Promise<void>
}

const lookMs = 1_000
/** A change waits this long if another one was just written. */
const apartMs = 10_000
/** Without a change this is how much time is lost if the exporter is killed: it is unknown then whether it looked. */
const longestMs = 5 * 60_000

/**
 * Reads the state file. Never rejects: without what happened before, all else works. `checks` gives those of now: what the file
 * tells of a check that is another one now is not taken.
 */
export async function keepState(path: string, log: Logger, checks: () => readonly Check[]): Promise<Keeping> {
  const file = stateFile(path, maxStateBytes)
  const { past, isGood, isFree } = await taken(file, path, log, checks())
  const key = newKey()
  let state: StateFileState = { read: isGood, written: undefined, writtenAt: undefined }
  let problem: string | undefined
  let missing: string | undefined
  let last: { readonly history: History | undefined; readonly at: number } = { history: past?.history, at: -Infinity }

  const write = async (now: Past): Promise<void> => {
    last = { history: now.history, at: performance.now() }
    try {
      const { text, leftOut } = written(now, definitionsOf(checks(), key))
      await file.write(text)
      if (leftOut !== undefined && leftOut !== missing)
        log.warn({ file: path, left_out: leftOut }, 'the state file would be too long: some of it is left out')
      missing = leftOut
      if (problem !== undefined) log.info({ file: path }, 'the state file can be written again')
      problem = undefined
      state = { ...state, written: true, writtenAt: Date.now() }
    } catch (error) {
      const text = describeError(error)
      if (text !== problem) log.error({ file: path, error: text }, 'the state file was not written')
      problem = text
      state = { ...state, written: false }
    }
  }

  return {
    past,
    state: () => state,
    async run(pastNow, stop) {
      if (!isFree) return
      await every(lookMs, lookMs, stop, async () => {
        const now = pastNow()
        const sinceMs = performance.now() - last.at
        if (now && sinceMs >= (hasChanged(last.history, now.history) ? apartMs : longestMs)) await write(now)
      })
      const now = pastNow()
      if (now) await write(now)
    },
  }
}

/** What the file tells, whether it is good, and whether the path is free to be written to. */
async function taken(file: StateFile, path: string, log: Logger, checks: readonly Check[]) {
  const unusable = { past: undefined, isGood: false, isFree: false }
  let text: string | undefined
  try {
    text = await file.read()
  } catch (error) {
    log.error({ file: path, error: describeError(error) }, 'the state file is neither read nor written')
    return unusable
  }
  if (text === undefined) return { past: undefined, isGood: true, isFree: true }
  try {
    const { past, definitions } = keptIn(text)
    const isSame = sameAs(definitions, checks)
    return { past: ofNow(withoutChecks(past, isSame), path, log), isGood: true, isFree: true }
  } catch (error) {
    const problem = describeError(error)
    try {
      const aside = await file.setAside()
      log.error(
        { file: path, error: problem, aside },
        'the state file was set aside: what happened before is not known',
      )
      return { ...unusable, isFree: true }
    } catch (why) {
      const lost = 'the state file is not good, and could not be set aside: it is not written'
      log.error({ file: path, error: problem, aside: describeError(why) }, lost)
      return unusable
    }
  }
}

/** A file of the future was written before the clock was set back. */
function ofNow(past: Past, file: string, log: Logger): Past {
  const ahead = past.at - Date.now()
  if (ahead <= 0) return past
  log.warn({ file, seconds: Math.round(ahead / 1000) }, 'the state file is of the future: the clock was set back since')
  return setPastBack(past, ahead)
}

/** Uptime alone changes with every outage, and then something else does too. */
const hasChanged = (before: History | undefined, now: History): boolean =>
  before?.mail !== now.mail ||
  before.checks !== now.checks ||
  before.blockers !== now.blockers ||
  before.incidents !== now.incidents
