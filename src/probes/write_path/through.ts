import { checkId, type Target } from '../../core/probe.ts'
import type { WritePathTarget } from './target.ts'

type Ties = Pick<WritePathTarget, 'haproxy' | 'pgbouncer'>

/** The HAProxy and the PgBouncer that a write path names; empty for any other check. */
export const tiesOf = ({ probe, config }: { readonly probe: string; readonly config: Target }): Ties =>
  // The kind says which schema the target has.
  probe === 'write_path' ? (config as Target & Ties) : {}

/** The ids of the checks of what a write path goes through, as its target says: `haproxy/lb-1`, `pgbouncer/pool-1`. */
export function throughOf(check: Parameters<typeof tiesOf>[0]): readonly string[] {
  const { haproxy, pgbouncer } = tiesOf(check)
  return [
    ...(haproxy ? [checkId({ probe: 'haproxy', target: haproxy.target })] : []),
    ...(pgbouncer ? [checkId({ probe: 'pgbouncer', target: pgbouncer.target })] : []),
  ]
}
