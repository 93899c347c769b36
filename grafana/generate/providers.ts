import { mailMetrics } from '../../src/assess/mail.ts'
import { choice } from './build/controls.ts'
import { dashboard } from './build/dashboard.ts'
import { q } from './build/promql.ts'
import * as application from './panels/application.ts'
import { phases } from './panels/checks.ts'
import { certificates } from './panels/expiry.ts'
import * as history from './panels/history.ts'
import * as kubernetes from './panels/kubernetes.ts'
import * as outbox from './panels/outbox.ts'
import { provider, vaults, verdicts } from './panels/path.ts'
import { otherKinds, reasonsTable } from './panels/reasons.ts'
import * as ses from './panels/ses.ts'
import * as smtp from './panels/smtp.ts'
import * as vault from './panels/vault.ts'

export const providers = dashboard({
  uid: 'mailpath-providers',
  title: 'Mail path / SMTP, Vault, SES',
  description:
    'Can mail be handed over, and is what that needs in place: relays, secrets, SES, outboxes, settings, packages.',
  choices: [choice('mail_path', 'Mail path', q(mailMetrics.verdict))],
  rows: [
    {
      bands: [
        {
          height: 4,
          panels: [
            [4, verdicts('SMTP', 'smtp', 'mail relay')],
            [4, verdicts('Vault', 'vault', 'Vault node, with the secrets in it')],
            [4, verdicts('SES', 'ses', 'SES account, with the settings for it')],
            [3, verdicts('Outbox', 'outbox', 'outbox of an application')],
            [3, verdicts('Settings', 'settings', 'set of settings of an application')],
            [3, verdicts('Packages', 'packages', 'set of packages of an application')],
            [3, provider],
          ],
        },
      ],
    },
    {
      title: 'SMTP',
      bands: [
        { height: 5, panels: [[24, smtp.relays]] },
        {
          height: 8,
          panels: [
            [9, smtp.steps],
            [9, phases('Phases of the SMTP dialogue', 'smtp', 'a relay')],
            [6, smtp.tls],
          ],
        },
      ],
    },
    {
      title: 'SES',
      bands: [
        { height: 5, panels: [[24, ses.accounts]] },
        {
          height: 8,
          panels: [
            [8, ses.steps],
            [5, phases('Phases of the look at SES', 'ses', 'SES')],
            [5, ses.quota],
            [6, ses.complaints],
          ],
        },
      ],
    },
    {
      title: 'Outbox',
      bands: [
        {
          height: 7,
          panels: [
            [10, outbox.outboxes],
            [7, outbox.waiting],
            [7, outbox.longestWait],
          ],
        },
      ],
    },
    {
      title: 'Vault and Kubernetes',
      bands: [
        {
          height: 6,
          panels: [
            [6, vaults],
            [5, vault.token],
            [13, vault.secrets],
          ],
        },
        {
          height: 6,
          panels: [
            [8, history.vaults],
            [5, phases('Phases of the look at Vault', 'vault', 'a Vault node')],
            [5, vault.vaultVersions],
            [6, kubernetes.apiServer],
          ],
        },
      ],
    },
    {
      title: 'Settings and packages',
      bands: [
        {
          height: 6,
          panels: [
            [5, ses.config],
            [5, ses.sender],
            [14, ses.settings],
          ],
        },
        {
          height: 10,
          panels: [
            [12, application.appSettings],
            [12, application.agreement],
          ],
        },
        {
          height: 6,
          panels: [
            [12, application.installed],
            [12, application.forbidden],
          ],
        },
      ],
    },
    {
      title: 'Certificates',
      bands: [{ height: 7, panels: [[24, certificates]] }],
    },
    {
      title: 'Why, and what to do',
      bands: [
        {
          height: 9,
          panels: [[24, reasonsTable('Reasons', otherKinds)]],
        },
      ],
    },
  ],
})
