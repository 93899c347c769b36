import { checkId, type Target } from '../../core/probe.ts'
import type { CanaryTarget } from './target.ts'

/** What a canary leaves by. */
export interface LeavesBy {
  readonly provider: 'smtp' | 'ses'
  /** The check of that relay, or of that SES: `smtp/relay`. */
  readonly id: string
}

/** What a canary leaves by, as its target says; undefined for any other check. */
export function leavesBy({ probe, config }: { readonly probe: string; readonly config: Target }): LeavesBy | undefined {
  // The kind says which schema the target has.
  const { smtp, ses } = probe === 'canary' ? (config as CanaryTarget) : {}
  if (smtp !== undefined) return { provider: 'smtp', id: checkId({ probe: 'smtp', target: smtp }) }
  return ses === undefined ? undefined : { provider: 'ses', id: checkId({ probe: 'ses', target: ses }) }
}
