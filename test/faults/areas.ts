import { canaryAreas } from './canary.ts'
import { certificateAreas } from './certificates.ts'
import { diskAreas } from './disk.ts'
import { dnsAreas } from './dns.ts'
import { driverAreas } from './drivers.ts'
import { exporterArea } from './exporter.ts'
import { outboxAreas } from './outbox.ts'
import { pairAreas } from './pairs.ts'
import { poolerAreas } from './poolers.ts'
import { postgresAreas } from './postgres.ts'
import type { Runnable } from './runner.ts'
import { sesAreas } from './ses.ts'
import { settingsAreas } from './settings.ts'
import { smtpAreas } from './smtp.ts'
import { valuesAreas } from './values.ts'
import { vaultAreas } from './vault.ts'
import { viewAreas } from './views.ts'
import { writePathAreas } from './write_path.ts'

/** The whole matrix. A new area goes here, as `runnable(area)`. */
export const areas: readonly Runnable[] = [
  ...postgresAreas,
  ...writePathAreas,
  ...driverAreas,
  ...poolerAreas,
  ...viewAreas,
  ...diskAreas,
  ...smtpAreas,
  ...vaultAreas,
  ...sesAreas,
  ...outboxAreas,
  ...canaryAreas,
  ...dnsAreas,
  ...settingsAreas,
  ...certificateAreas,
  ...valuesAreas,
  exporterArea,
  ...pairAreas,
]
