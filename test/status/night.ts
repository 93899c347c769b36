import type { Status } from '../../src/monitor/ledger.ts'
import { mail } from '../../src/probes/mail/index.ts'
import { after, during, hour, minute, second, type At } from '../history/looks.ts'
import { statusFrom } from './looked.ts'

const standby = 'write_path/backend write_path_read_only'
const relay = 'smtp/relay smtp_unreachable'
/** Two incidents: one is over, and of one nobody saw the beginning. */
export const night: At[] = [
  ...during(0, hour, { backend: 'ok', worker: 'ok' }),
  ...during(hour, hour + 2 * minute, { backend: [standby], worker: 'ok' }),
  ...during(hour + 2 * minute, hour + 20 * minute, { backend: [relay, standby], worker: [relay] }),
  ...during(hour + 20 * minute, hour + 29 * minute, { backend: [standby], worker: 'ok' }),
  ...during(hour + 29 * minute, 2 * hour, { backend: 'ok', worker: 'ok' }),
  [2 * hour + 30 * minute, { backend: 'ok', worker: [relay] }],
  [2 * hour + 30 * minute + 42 * second, { backend: 'ok', worker: [relay] }],
]

/** A status with the history of these looks. */
export function statusAfter(looks: readonly At[]): Status {
  const { history, at } = after(looks)
  const paths = [...history.mail.keys()].map(name => mail.target.parse({ name }))
  return { ...statusFrom([], { mail: paths, now: at }), history }
}
