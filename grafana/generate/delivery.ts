import { dashboard } from './build/dashboard.ts'
import * as canary from './panels/canary.ts'
import * as dns from './panels/dns.ts'
import { phases } from './panels/checks.ts'
import { budgetLeft, onTime } from './panels/delivery-slo.ts'
import { verdicts } from './panels/path.ts'
import { deliveryKinds, reasonsTable } from './panels/reasons.ts'

export const delivery = dashboard({
  uid: 'mailpath-delivery',
  title: 'Mail path / Delivery',
  description:
    'Does mail arrive, when, in which folder, and authenticated or not? By canaries: mails that the exporter sends. And what do receivers find in DNS of the sender?',
  rows: [
    {
      bands: [
        {
          height: 4,
          panels: [
            [5, verdicts('Canary', 'canary', 'canary')],
            [4, verdicts('DNS', 'dns', 'domain that mail is sent from, by its records in DNS')],
            [4, canary.arrivals],
            [4, canary.mailboxes],
            [3, onTime],
            [4, budgetLeft],
          ],
        },
        { height: 5, panels: [[24, canary.canaries]] },
      ],
    },
    {
      title: 'When it arrives',
      bands: [
        {
          height: 8,
          panels: [
            [10, canary.took],
            [7, canary.slowestHop],
            [7, canary.underWay],
          ],
        },
        {
          height: 8,
          panels: [
            [10, canary.fates],
            [7, canary.extra],
            [7, phases('Phases of the run of a canary', 'canary', 'a canary')],
          ],
        },
      ],
    },
    {
      title: 'Where it lands, and what the receiver says',
      bands: [
        {
          height: 8,
          panels: [
            [7, canary.landed],
            [10, canary.authentication],
            [7, canary.wayOver],
          ],
        },
      ],
    },
    {
      title: 'DNS of the sender',
      bands: [
        { height: 5, panels: [[24, dns.domains]] },
        {
          height: 7,
          panels: [
            [8, dns.keys],
            [8, dns.policies],
            [8, dns.names],
          ],
        },
        {
          height: 7,
          panels: [
            [8, dns.lookups],
            [8, dns.questions],
            [8, phases('Phases of the look at DNS', 'dns', 'DNS')],
          ],
        },
      ],
    },
    {
      title: 'Why, and what to do',
      bands: [
        {
          height: 9,
          panels: [[24, reasonsTable('Reasons', deliveryKinds)]],
        },
      ],
    },
  ],
})
