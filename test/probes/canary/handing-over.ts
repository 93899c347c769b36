import { deadline } from '../../../src/core/deadline.ts'
import type { References } from '../../../src/monitor/look.ts'
import { startLook } from '../../../src/monitor/look.ts'
import { readAddresses } from '../../../src/probes/canary/addresses.ts'
import { handOver } from '../../../src/probes/canary/hand-over.ts'
import type { HandedOver } from '../../../src/probes/canary/outgoing.ts'
import { newMark, targetMark, type Mark } from '../../../src/probes/canary/mark.ts'
import { compose } from '../../../src/probes/canary/message.ts'
import type { CanaryTarget, Way } from '../../../src/probes/canary/target.ts'

export const addresses = {
  from: 'canary@app.example.com',
  to: 'canary@example.test',
  envelope_from: 'bounces@app.example.com',
}

export interface Handing {
  readonly references?: Partial<References>
  readonly timeoutMs?: number
  readonly target?: Partial<CanaryTarget>
  /** In place of what `compose` makes. */
  readonly message?: string
}

export interface HandedOverOnce extends HandedOver {
  readonly mark: Mark
  readonly message: string
  /** The transcript, as people see it. */
  readonly notes: string
  readonly phases: readonly string[]
  /** How a text of this run comes out. */
  readonly redact: (text: string) => string
}

/** Hands one mail over, in a run of its own. */
export async function handOverOnce(way: Way, options: Handing = {}): Promise<HandedOverOnce> {
  const { references = {}, timeoutMs = 5_000 } = options
  const target: CanaryTarget = {
    name: 'outside',
    late_after: 60_000,
    lost_after: 900_000,
    ...addresses,
    ...options.target,
  }
  const none = () => Promise.reject(new Error('the test gave no such reference'))
  const limit = deadline(timeoutMs, new AbortController().signal)
  const check = { probe: 'canary', target: target.name, config: target, intervalMs: 60_000, timeoutMs, needs: [] }
  const { look, transcript, redact, phases } = startLook(
    { ...check, look: none },
    { value: none, settings: none, apiServer: none, login: none, ...references },
    limit.signal,
  )
  try {
    const read = await readAddresses(target, look)
    const mark = newMark(targetMark([target.name, read.to]))
    const message = options.message ?? compose({ ...read, mark, at: Date.now() })
    const handed = await handOver(way, { ...read, token: mark.token, message }, look)
    const notes = transcript()()
      .map(({ phase, text }) => `${phase}: ${text}`)
      .join('\n')
    return { ...handed, mark, message, notes, phases: Object.keys(phases), redact }
  } finally {
    limit.clear()
  }
}
