import { dashboard } from './build/dashboard.ts'
import * as canary from './panels/canary.ts'
import { phases } from './panels/checks.ts'
import { budgetLeft, onTime } from './panels/delivery-slo.ts'
import { verdicts } from './panels/path.ts'
import { deliveryKinds, reasonsTable } from './panels/reasons.ts'

export const delivery = dashboard({
  uid: 'mailpath-delivery',
  title: 'Mail path / Delivery',
  description:
    'Does mail arrive, when, in which folder, and authenticated or not? By canaries: mails that the exporter sends.',
  rows: [
    {
      bands: [
        {
          height: 4,
          panels: [
            [6, verdicts('Canary', 'canary', 'canary')],
            [5, canary.arrivals],
            [4, canary.mailboxes],
            [4, onTime],
            [5, budgetLeft],
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
