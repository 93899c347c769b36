import { secrets } from './platform.ts'
import type { Expected, Scenario, Step } from './scenario.ts'

const mail = { mail_path: 'app' }
const cluster = { postgres_cluster: 'main' }

/** The page about the symptom, which names the one thing to fix. */
const cannotBeSent = (...says: string[]): Expected => ({
  to: 'pager',
  alert: 'MailCannotBeSent',
  labels: mail,
  says: ['Mail of app is not sent, or does not arrive', ...says],
})

const readOnly = (target: string, ...says: string[]): Expected => ({
  to: 'pager',
  alert: 'MailWritePathReadOnly',
  labels: { ...cluster, target },
  says: [`Write path ${target} is read-only`, 'SQLSTATE 25006', ...says],
})

const namesStandby: Step = {
  does: 'DATABASE_URL names a standby, as in the incident',
  inject({ platform }) {
    platform.pointDatabaseUrl(platform.cluster.node('db-postgres-03'))
  },
  heard: [
    cannotBeSent(
      'To fix: write_path_read_only (write_path DATABASE_URL)',
      'Point it at the primary, or at an endpoint that follows the primary.',
    ),
    readOnly(
      'DATABASE_URL',
      'It lands on db-postgres-03.',
      'leads to a standby',
      'The primary of cluster main is db-postgres-01.',
    ),
  ],
}

/** Of nodes that are down, or copied anew, for a while. */
const ofNodes = ['MailPostgresNodeUnreachable', 'MailPostgresWalReceiverDown', 'MailPostgresClusterInconsistent']

/** In this order: after the failover another node is the primary, and what follows names none. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'read-only target, and then the exporter is killed',
    tested: true,
    exporters: 1,
    steps: [
      namesStandby,
      {
        does: 'the only exporter is killed',
        inject: ({ exporters }) => exporters.kill('first'),
        heard: [
          {
            to: 'pager',
            alert: 'MailpathExporterDown',
            labels: { job: 'mailpath' },
            says: ['the mail path is not watched', 'Pages about mail that were out stay out'],
          },
        ],
        until:
          'ALERTS{alertname="MailCannotBeSent", alertstate="firing"} unless on (job) last_over_time(mailpath_build_info[5s])',
      },
    ],
  },
  {
    name: 'read-only target, watched by a pair of exporters',
    tested: false,
    exporters: 2,
    steps: [
      namesStandby,
      {
        does: 'one of the two exporters is killed',
        inject: ({ exporters }) => exporters.kill('second'),
        heard: [
          {
            to: 'tickets-platform',
            alert: 'MailpathReplicaDown',
            says: ['Another replica still watches the mail path'],
          },
        ],
      },
    ],
  },
  {
    name: 'split brain',
    tested: true,
    exporters: 1,
    steps: [
      {
        does: 'db-postgres-03 is promoted while the primary goes on, and DATABASE_URL names it',
        inject: async ({ platform }) => {
          await platform.cluster.splitBrain('db-postgres-03')
          platform.pointDatabaseUrl(platform.cluster.node('db-postgres-03'))
        },
        heard: [
          cannotBeSent(
            'To fix: cluster_split_brain (cluster main)',
            'write_path_old_primary (write_path DATABASE_URL)',
          ),
          {
            to: 'pager',
            alert: 'MailPostgresSplitBrain',
            labels: cluster,
            says: [
              'Cluster main has two primaries',
              'Writable: db-postgres-01, db-postgres-03.',
              'Keep the one that clients write to.',
            ],
          },
        ],
        silenced: { MailWritePathNotOnPrimary: 'MailPostgresSplitBrain' },
      },
    ],
    passing: ofNodes,
  },
  {
    name: 'wrong SMTP password',
    tested: false,
    exporters: 1,
    steps: [
      {
        does: 'the SMTP_PASS in Vault is not the one of the relay',
        inject({ platform }) {
          platform.vault.keep(secrets.wrongPassword)
        },
        heard: [
          cannotBeSent('To fix: smtp_auth_failed (smtp relay)'),
          {
            to: 'tickets-mail',
            alert: 'MailSmtpLoginFailing',
            labels: { target: 'relay' },
            says: ['Relay relay refuses the login', 'smtp_auth_failed'],
          },
        ],
      },
    ],
  },
  {
    name: 'expired certificate',
    tested: false,
    exporters: 1,
    steps: [
      {
        does: 'the relay shows a certificate that has expired',
        inject: ({ platform }) => platform.showCertificate('expired'),
        heard: [
          cannotBeSent('To fix: smtp_certificate_invalid (smtp relay)'),
          {
            to: 'pager',
            alert: 'MailSmtpCertificateExpired',
            labels: { target: 'relay' },
            says: ['The certificate of relay relay has expired', 'Renew it, and have the relay load it.'],
          },
        ],
      },
    ],
  },
  {
    name: 'failover that DATABASE_URL does not follow',
    tested: true,
    exporters: 1,
    steps: [
      {
        does: 'db-postgres-02 is promoted, HAProxy follows, the old primary comes back as a standby',
        inject: async ({ platform: { cluster, route } }) => {
          await cluster.failover('db-postgres-02')
          await route(cluster.node('db-postgres-02'))
          await cluster.rejoin('db-postgres-01')
        },
        heard: [
          cannotBeSent(),
          readOnly(
            'DATABASE_URL',
            'It lands on db-postgres-01.',
            'leads to a standby',
            'The primary of cluster main is db-postgres-02.',
          ),
          {
            to: 'log',
            alert: 'MailPostgresFailover',
            labels: cluster,
            says: ['Cluster main has failed over', 'It is db-postgres-02 now.'],
          },
        ],
      },
    ],
    // Until the old primary is back.
    passing: [...ofNodes, 'MailWritePathFailing', 'MailWritePathNotOnPrimary'],
  },
  {
    name: 'Vault sealed, with SMTP_PASS in it',
    tested: true,
    exporters: 1,
    steps: [
      {
        does: 'Vault is sealed',
        inject: ({ platform }) => platform.vault.up('sealed'),
        heard: [
          {
            to: 'pager',
            alert: 'MailVaultSealed',
            labels: { target: 'vault-01', severity: 'critical' },
            says: [
              'Vault vault-01 is sealed, and mail depends on it',
              'until it is unsealed (vault operator unseal)',
              'The mail path needs a secret from it.',
            ],
          },
          // It is unknown whether mail can be sent, and that costs budget as well.
          { to: 'pager', alert: 'MailErrorBudgetBurn', labels: { ...mail, long: '1h' }, says: ['14.4 times'] },
        ],
        silenced: { MailVerdictUnknown: 'MailVaultSealed' },
      },
    ],
    // Its slower window, where this takes long.
    passing: ['MailErrorBudgetBurn'],
  },
]
