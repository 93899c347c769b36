import { mailMetrics } from '../../src/assess/mail.ts'
import { choice } from './build/controls.ts'
import { dashboard } from './build/dashboard.ts'
import { q } from './build/promql.ts'
import { alertsTable, firingAlerts } from './panels/alerts.ts'
import { expiryTable } from './panels/expiry.ts'
import * as history from './panels/history.ts'
import * as path from './panels/path.ts'
import { reasonsTable } from './panels/reasons.ts'
import { availability, budgetLeft, withoutEvidence } from './panels/slo.ts'

export const overview = dashboard({
  uid: 'mailpath-overview',
  title: 'Mail path / Overview',
  description: 'Can this platform send mail right now, and if not, what is the one thing to fix?',
  choices: [choice('mail_path', 'Mail path', q(mailMetrics.verdict))],
  rows: [
    {
      bands: [
        {
          height: 8,
          panels: [
            [9, path.verdict],
            [9, path.root],
            [3, firingAlerts],
            [3, availability],
          ],
        },
        {
          height: 4,
          panels: [
            [2, path.link('Vault', 'vault', 'mailpath-providers', 'the Vault nodes and the secrets in them')],
            [2, path.link('Settings', 'settings', 'mailpath-providers', "the applications' own settings")],
            [2, path.link('Packages', 'packages', 'mailpath-providers', 'what is installed in the applications')],
            [3, path.cluster],
            [
              3,
              path.link(
                'Write path',
                'write_path',
                'mailpath-postgres',
                'the ways in which something writes to Postgres',
              ),
            ],
            [2, path.link('SMTP', 'smtp', 'mailpath-providers', 'the mail relays')],
            [2, path.link('SES', 'ses', 'mailpath-providers', 'the SES accounts, with the settings for them')],
            [2, path.link('DNS', 'dns', 'mailpath-delivery', 'the records of the domains that mail is sent from')],
            [2, path.link('Outbox', 'outbox', 'mailpath-providers', 'the mails that wait in the applications')],
            [
              2,
              path.link('Canary', 'canary', 'mailpath-delivery', 'the mails that are sent to see whether mail arrives'),
            ],
            [2, path.provider],
          ],
        },
        {
          height: 6,
          panels: [
            [12, path.landings()],
            [6, path.nodes()],
            [6, path.vaults],
          ],
        },
      ],
    },
    {
      title: 'Why, and what to do',
      bands: [
        {
          height: 10,
          panels: [
            [17, reasonsTable('Reasons')],
            [7, expiryTable],
          ],
        },
      ],
    },
    {
      title: 'Over time',
      bands: [
        {
          height: 5,
          panels: [
            [16, history.verdicts],
            [8, history.incidents],
          ],
        },
        { height: 12, panels: [[24, history.checks]] },
        {
          height: 7,
          panels: [
            [8, history.roles()],
            [8, history.landings()],
            [8, history.vaults],
          ],
        },
      ],
    },
    {
      title: 'Service level and alerts',
      bands: [
        {
          height: 8,
          panels: [
            [4, budgetLeft],
            [4, withoutEvidence],
            [16, alertsTable],
          ],
        },
      ],
    },
  ],
})
