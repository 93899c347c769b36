import { unlessAborted } from '../core/abort.ts'
import { deadline } from '../core/deadline.ts'
import { Unresolved, describeError } from '../core/errors.ts'
import { finding, type Check, type Finding, type Look, type Looked, type Observation } from '../core/probe.ts'
import { commonReason } from '../core/reasons.ts'
import { withoutOurs } from '../core/starved.ts'
import type { Note } from '../core/transcript.ts'
import { startLook, type References } from './look.ts'
import { saidWithout, withoutSecrets } from './without-secrets.ts'

/** How long a check has after its deadline to return what it has seen so far, in milliseconds. */
const windUpMs = 250

/** A run that has ended: its observation, and how it went. */
export interface Ran extends Observation {
  /** Made when it is called, since most transcripts are never read. */
  readonly transcript: () => readonly Note[]
  /** The deadline cut it off. */
  readonly timedOut: boolean
  /** How long the exporter itself stood still meanwhile: its event loop was blocked, or its process stopped. */
  readonly heldUpMs: number
  /** When another run may find more, in milliseconds after this one. */
  readonly againInMs: number | undefined
}

/** Runs a check once, under one total deadline. Never rejects. Undefined when `stop` cut it off: half a run is no evidence. */
export async function run(check: Check, references: References, stop: AbortSignal): Promise<Ran | undefined> {
  const began = performance.now()
  const limit = deadline(check.timeoutMs, stop)
  const { look, phases, unmet, lacks, redact, transcript } = startLook(check, references, limit.signal)
  try {
    if (limit.signal.aborted) return undefined
    const looked = await withinDeadline(check, look)
    const { seen, finding: found } = withoutOurs(looked, lacks)
    // By the signal and not by the clock: what a run saw that a shutdown cut off is no evidence.
    if (stop.aborted) return undefined
    const finishedAt = Date.now()
    return {
      probe: check.probe,
      target: check.target,
      config: check.config,
      // Measured by the monotonic clock: the wall clock may have been set meanwhile.
      startedAt: finishedAt - Math.round(performance.now() - began),
      finishedAt,
      // Copies, since a look that was cut off may still go on.
      phases: { ...phases },
      unmet: [...unmet],
      verdict: found.verdict,
      samples: found.samples.map(sample => withoutSecrets(sample, redact)),
      ...saidWithout(seen, found, redact),
      transcript: transcript(),
      timedOut: limit.signal.aborted,
      heldUpMs: limit.heldUpMs(),
      againInMs: looked.againInMs,
    }
  } finally {
    limit.clear()
  }
}

async function withinDeadline(check: Check, look: Look): Promise<Looked> {
  try {
    return await unlessAborted(look.signal, check.look(look), windUpMs)
  } catch (error) {
    return { seen: undefined, finding: notSeen(error, look) }
  } finally {
    if (look.signal.aborted) look.note(describeError(look.signal.reason))
  }
}

function notSeen(error: unknown, look: Look): Finding {
  const text = describeError(error)
  if (!look.signal.aborted) look.failed(error, text)
  const reason =
    error instanceof Unresolved
      ? commonReason('reference_unresolved', text)
      : look.signal.aborted
        ? commonReason('deadline_exceeded', `${describeError(look.signal.reason)} (phase ${look.current})`)
        : commonReason('probe_error', text)
  return finding(text, [reason], [])
}
