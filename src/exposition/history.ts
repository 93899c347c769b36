import { counter, gauge, sample, type Sample } from '../core/metric.ts'
import { createMemo } from '../core/memo.ts'
import type { History } from '../history/history.ts'
import type { Status } from '../monitor/ledger.ts'

export const historyMetrics = {
  since: gauge(
    'mailpath_mail_verdict_since_timestamp_seconds',
    'Since when the mail path has its verdict. If it had it already at the first look: when that was.',
    ['mail_path'],
  ),
  incidents: counter(
    'mailpath_mail_incidents_total',
    'Incidents of the mail path: times in which its mail could not be sent. What fails again within five minutes is one incident. Counted since the start of the exporter, or since the state file began.',
    ['mail_path'],
  ),
}

const memo = createMemo<History['mail'], readonly Sample[]>()

/** The samples of what happened: the same array while nothing happens. */
export const historySamples = ({ mail: paths, history: { mail, counts } }: Status): readonly Sample[] =>
  memo(mail, [counts, paths.map(({ name, verdict }) => `${name} ${verdict}`).join()], () =>
    paths.flatMap(({ name, verdict }) => {
      const held = mail.get(name)
      if (!held) return []
      return [
        // After a restart, and until every check has run, it is of the verdict before.
        ...(held.verdict === verdict ? sample(historyMetrics.since, held.at / 1000, { mail_path: name }) : []),
        ...sample(historyMetrics.incidents, counts.get(name) ?? 0, { mail_path: name }),
      ]
    }),
  )
