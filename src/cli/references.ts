import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { refusalsFile } from '../clients/refusals-file.ts'
import type { Config } from '../config/load.ts'
import { environment } from '../environment/taken.ts'
import { spreadMs } from '../monitor/scheduler.ts'
import { createReferences } from '../references/index.ts'
import { createLogins, type Logins } from '../references/logins.ts'

/** What stays when the configuration changes. */
type Lasting = Required<Pick<Parameters<typeof createReferences>[0], 'logins' | 'read' | 'aside'>>

export const referencesOf = ({ vaults, kubernetes, checks }: Config, lasting: Lasting) =>
  createReferences({ env: environment, vaults, kubernetes, roundMs: roundMs(checks), ...lasting })

/** A check may come to its references this much later than its turn, in milliseconds. */
const slownessMs = 500
export const roundMs = ({ length }: Config['checks']): number => spreadMs(length) + slownessMs

/** At its end the process waits this long for Vaults to revoke our tokens, in milliseconds. */
export const revokeMs = 700

/** Refusals are kept in a file of the user, since each login that Vault refuses brings it nearer to locking the role. */
export function openLogins(): Logins {
  const uid = process.getuid?.()
  return createLogins(
    uid === undefined ? undefined : refusalsFile(join(tmpdir(), `mailpath-exporter-${String(uid)}`), uid),
  )
}
