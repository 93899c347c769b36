import { checkId, type Target } from '../../core/probe.ts'
import type { CanaryTarget } from './target.ts'

/** What a canary leaves by. */
interface LeavesBy {
  readonly provider: 'smtp' | 'ses'
  /** The check of that relay, or of that SES: `smtp/relay`. */
  readonly id: string
}

/** What a canary leaves by, as its target says. */
export function wayOut({ smtp, ses = '' }: CanaryTarget): LeavesBy {
  const [provider, target] = smtp === undefined ? (['ses', ses] as const) : (['smtp', smtp] as const)
  return { provider, id: checkId({ probe: provider, target }) }
}

/** The same of a check; undefined for any other kind. */
export const leavesBy = ({
  probe,
  config,
}: {
  readonly probe: string
  readonly config: Target
}): LeavesBy | undefined =>
  // The kind says which schema the target has.
  probe === 'canary' ? wayOut(config as CanaryTarget) : undefined
