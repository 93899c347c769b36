/** Status values that the page, the report and the API have to show well: the platform of incident.md in several states. */
import type { Verdict } from '../../src/core/probe.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import { at, healthySeen, incidentSeen, mailPaths, node, packagesSeen, platformThat, vaultSeen } from './incident.ts'
import { statusFrom } from './looked.ts'

const times = (n: number, verdict: Verdict): Verdict[] => Array.from({ length: n }, () => verdict)

/** Mail needs all write paths, and the exporter is up for nine days. */
const options = {
  mail: mailPaths.map(one => ({ ...one, write_path: undefined })),
  now: at,
  startedAt: at - 9 * 86_400_000,
}

const withoutSes = platformThat(healthySeen).filter(({ check }) => check.probe !== 'ses')

/** All is well. */
export const healthy = (): Status => statusFrom(withoutSes, options)

/** The outage of incident.md, and a standby that lags. */
export const incident = (): Status =>
  statusFrom(
    platformThat({
      ...incidentSeen,
      'postgres/db-postgres-03': node(3, false, { replay_lag_bytes: 8_192, last_replay_seconds: 47.2 }),
      'packages/keybuzz-backend': packagesSeen(false),
    }),
    {
      ...options,
      histories: {
        'write_path/backend DATABASE_URL': [...times(31, 'ok'), ...times(19, 'fail')],
        'vault/vault-01': times(50, 'fail'),
        'smtp/mail.keybuzz.io': times(50, 'unknown'),
        'settings/backend-01': [...times(12, 'ok'), ...times(30, 'unknown')],
        'postgres/db-postgres-03': [
          ...times(20, 'ok'),
          'warn',
          'ok',
          'ok',
          'warn',
          ...times(18, 'ok'),
          ...times(8, 'warn'),
        ],
      },
    },
  )

const wellFormed = { state: 'well_formed', source: 'env' } as const
const tokenLife = { kind: 'valid', ttlSeconds: 18_000, expiresAt: at + 18_000_000, uses: Infinity } as const

/** Mail can be sent, and something is broken that it survives. */
export const excepted = (): Status =>
  statusFrom(
    platformThat({
      ...healthySeen,
      'vault/vault-01': { ...vaultSeen(true), token: tokenLife },
      'ses/backend SES': {
        settings: { access_key: wellFormed, secret_key: { state: 'absent', source: 'env' }, region: wellFormed },
      },
    }),
    options,
  )

/** The first moment: no check has run. */
export const starting = (): Status => statusFrom(platformThat({}), options)
