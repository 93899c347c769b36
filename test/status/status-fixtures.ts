/** Hand-made Status values: what the page, the report and the API have to show well. */
import type { CheckStatus, MailStatus } from '../../src/assess/assessment.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import {
  blocker,
  check,
  cluster,
  exception,
  landing,
  mailPath,
  needs,
  node,
  reasonOf,
  status,
  times,
  type CheckFixture,
} from './status-builders.ts'
import { mailOk, nodeChecks, nodes, smtpOk, writing } from './status-parts.ts'

export { hostile, many, splitBrain } from './status-extremes.ts'

const keybuzzNeeds: MailStatus['needs'] = {
  ...needs,
  vault: ['vault-01'],
  settings: ['backend-01'],
  packages: ['keybuzz-backend'],
  cluster: ['keybuzz'],
  write_path: ['backend DATABASE_URL', 'haproxy-write', 'secret PGHOST'],
  smtp: ['mail.keybuzz.io'],
  ses: ['backend SES'],
}

const sesStub = check('ses', 'backend SES', {
  reasons: [
    reasonOf(
      'warn',
      'low',
      'ses_absent',
      'none is set of AWS_SES_ACCESS_KEY (env), AWS_SES_SECRET_KEY (env), AWS_SES_REGION (env)',
      'Set access key, secret key and region if SES is meant as a second way out; else take the target out.',
    ),
    reasonOf(
      'warn',
      'low',
      'ses_stub',
      "the application's sender is a stub (implemented: false)",
      'Implement the sender, deploy it, and take `implemented: false` out of the configuration.',
    ),
  ],
})

/** All is well. */
export function healthy(): Status {
  const ses = check('ses', 'backend SES', { evidence: 'the settings are complete and well-formed' })
  return status(
    [
      ...nodeChecks(),
      writing('backend DATABASE_URL', '10.0.0.120:5432'),
      writing('haproxy-write', '10.0.0.10:5432'),
      writing('secret PGHOST', '10.0.0.120:5432'),
      smtpOk,
      check('vault', 'vault-01', { evidence: 'vault-01:8200: active, token expires in 21 days, 1 secret readable' }),
      ses,
      check('settings', 'backend-01', {
        evidence: 'settings: 3 as expected, 2 present, 0 absent (optional)',
        intervalMs: 60_000,
        ageMs: 42_000,
      }),
      check('packages', 'keybuzz-backend', {
        evidence: '/opt/keybuzz/keybuzz-backend: nodemailer 6.9.8, @aws-sdk/client-ses 3.490.0',
        intervalMs: 60_000,
        ageMs: 17_000,
      }),
      mailOk,
    ],
    {
      mail: [mailPath('keybuzz-backend', { needs: keybuzzNeeds })],
      clusters: [cluster('keybuzz', nodes())],
      landings: keybuzzNeeds.write_path.map(name => landing(name, ['db-postgres-01'])),
    },
  )
}

/** The outage of incident.md: DATABASE_URL names a standby, Vault is down, SES is a stub. */
export function incident(): Status {
  const readOnly = check('write_path', 'backend DATABASE_URL', {
    reasons: [
      reasonOf(
        'fail',
        'critical',
        'write_path_read_only',
        '10.0.0.122:5432: lands on db-postgres-03 (standby): a write fails with SQLSTATE 25006 (cannot execute UPDATE in a read-only transaction)',
        'Point it at the primary, or at an endpoint that follows the primary: db-postgres-01 (10.0.0.120:5432).',
      ),
    ],
    history: [...times(31, 'ok'), ...times(19, 'fail')],
    phases: { references: 0.0003, connect: 0.0011, login: 0.0127, landing: 0.0018, xid: 0.0006 },
  })
  const vault = check('vault', 'vault-01', {
    reasons: [
      reasonOf(
        'fail',
        'high',
        'vault_uninitialized',
        'vault-01:8200: says it is not initialised (HTTP 501)',
        'Is the storage path right? Compare it with where the data is; do not run `vault operator init`.',
      ),
    ],
    history: times(50, 'fail'),
  })
  const smtp = check('smtp', 'mail.keybuzz.io', {
    reasons: [
      reasonOf(
        'unknown',
        'high',
        'reference_unresolved',
        'password: vault vault-01 secret/data/keybuzz/smtp key SMTP_PASS: Vault is not initialised',
        'Make the source named readable to the exporter, or heal what it comes from.',
      ),
    ],
    needs: ['vault/vault-01'],
    history: times(50, 'unknown'),
    phases: { references: 0.0041 },
  })
  const settings = check('settings', 'backend-01', {
    reasons: [
      reasonOf(
        'unknown',
        'high',
        'setting_unreadable',
        'SMTP_PASS (vault vault-01 secret/data/keybuzz/smtp): could not be read: Vault is not initialised',
        'Make the source named readable to the exporter, or heal what it comes from.',
      ),
    ],
    needs: ['vault/vault-01'],
    intervalMs: 60_000,
    ageMs: 42_000,
    history: [...times(12, 'ok'), ...times(30, 'unknown')],
  })
  const lag = check('postgres', 'db-postgres-03', {
    reasons: [
      reasonOf(
        'warn',
        'medium',
        'postgres_lag',
        '10.0.0.122:5432: standby replays 47.2 s late, more than 30 s',
        'Look for long queries on the standby, slow disks, or a slow network.',
      ),
    ],
    history: [...times(20, 'ok'), 'warn', 'ok', 'ok', 'warn', ...times(18, 'ok'), ...times(8, 'warn')],
  })
  return status(
    [
      ...nodeChecks().slice(0, 2),
      lag,
      readOnly,
      writing('haproxy-write', '10.0.0.10:5432'),
      writing('secret PGHOST', '10.0.0.120:5432'),
      smtp,
      vault,
      sesStub,
      settings,
      check('packages', 'keybuzz-backend', {
        evidence: '/opt/keybuzz/keybuzz-backend: nodemailer 6.9.8, @aws-sdk/client-ses 3.490.0',
        intervalMs: 60_000,
        ageMs: 17_000,
      }),
      mailOk,
    ],
    {
      mail: [
        mailPath('keybuzz-backend', {
          verdict: 'fail',
          needs: keybuzzNeeds,
          blockers: [
            { ...blocker(vault), level: 'unknown' },
            blocker(settings),
            blocker(readOnly, true),
            blocker(smtp),
            blocker(sesStub),
          ],
          exceptions: [exception(lag)],
        }),
      ],
      clusters: [cluster('keybuzz', nodes('warn'))],
      landings: [
        landing('backend DATABASE_URL', ['db-postgres-03'], false),
        landing('haproxy-write', ['db-postgres-01']),
        landing('secret PGHOST', ['db-postgres-01']),
      ],
    },
  )
}

/** Mail can be sent, and something is broken that it survives. */
export function excepted(): Status {
  const healthyOne = healthy()
  const vault = check('vault', 'vault-01', {
    reasons: [
      reasonOf(
        'warn',
        'medium',
        'vault_token_expires',
        'vault-01:8200: the token expires in 5 h',
        'Renew the token of the exporter.',
      ),
    ],
  })
  const changed = [vault, sesStub]
  const replace = (one: CheckStatus): CheckStatus => changed.find(other => other.status.id === one.id)?.status ?? one
  return {
    ...healthyOne,
    checks: healthyOne.checks.map(replace),
    records: new Map([...healthyOne.records, ...changed.map(one => [one.status.id, one.record] as const)]),
    mail: [
      mailPath('keybuzz-backend', {
        verdict: 'warn',
        needs: keybuzzNeeds,
        exceptions: [exception(vault), exception(sesStub)],
      }),
    ],
  }
}

const notRunYet = reasonOf('unknown', 'medium', 'not_run_yet', 'has not run yet', 'Wait for one interval.')

/** The first moment: no check has run. */
export function starting(): Status {
  const unseen = ({ id, probe, target, needs: of }: CheckStatus): CheckFixture =>
    check(probe, target, { reasons: [notRunYet], seen: false, needs: id.startsWith('smtp') ? of : [] })
  const checks = healthy().checks.map(unseen)
  const all = checks.filter(one => one.status.probe !== 'postgres').map((one, i) => blocker(one, i === 0))
  return status(checks, {
    mail: [
      mailPath('keybuzz-backend', { verdict: 'unknown', provider: undefined, needs: keybuzzNeeds, blockers: all }),
    ],
    clusters: [
      cluster(
        'keybuzz',
        nodes().map(({ name }) => node(name, undefined, 'unknown')),
        { primaries: undefined, splitBrain: undefined, verdict: 'unknown' },
      ),
    ],
    landings: keybuzzNeeds.write_path.map(name => landing(name, [], undefined)),
  })
}
