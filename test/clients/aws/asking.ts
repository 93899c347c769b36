import { onTestFinished } from 'vitest'
import { deadline } from '../../../src/core/deadline.ts'
import type { Check, Look } from '../../../src/core/probe.ts'
import { startLook } from '../../../src/monitor/look.ts'
import { createReferences } from '../../../src/references/index.ts'

interface Asking {
  readonly look: Look
  /** The notes of the run, as they are shown. */
  readonly notes: () => string
}

/** The look of a run of `timeoutMs` with this environment. */
export function asking({
  timeoutMs = 5_000,
  env = {},
}: { readonly timeoutMs?: number; readonly env?: Readonly<Record<string, string>> } = {}): Asking {
  const limit = deadline(timeoutMs, new AbortController().signal)
  onTestFinished(() => limit.clear())
  const config = { name: 'x' }
  const check: Check = {
    ...{ probe: 'ses', target: 'x', config, intervalMs: 60_000, timeoutMs, needs: [] },
    look: () => Promise.reject(new Error('is not run')),
  }
  const references = createReferences({ env, vaults: [], kubernetes: undefined })
  const { look, transcript } = startLook(check, references, limit.signal)
  return {
    look,
    notes: () =>
      transcript()()
        .map(({ text }) => text)
        .join('\n'),
  }
}
