import type { Metric } from '../../src/core/metric.ts'
import { catalogue } from '../../src/exposition/catalogue.ts'
import { reasonCatalogue } from '../../src/exposition/reasons.ts'
import { markdownTable } from '../../src/report/table.ts'

/** Head of files that are made from the code: errors in them have to be corrected in the code. */
const generated =
  '<!-- Generated from the code; `npx vitest run test/docs/docs.test.ts -u` writes it again. -->'

/** Text of ours, with backticks where it means them, in a cell of a table. */
export const inCell = (text: string): string => text.replaceAll('|', '\\|')
const code = (text: string): string => `\`${text}\``

const metricsIntro = `Every series is computed from the last runs at the moment of the scrape, so none outlives its cause.

- **Unknown is an absent sample**, never 0, -1 or NaN. Where a probe could not find something out, its series is not
  there; \`mailpath_check_verdict\` and \`mailpath_mail_verdict\` always are, and say \`unknown\`.
- **An old result is no evidence.** Once the last run of a check is older than three intervals, the check is \`unknown\`
  with the reason \`stale\`, and the series of its probe are gone. Its
  \`mailpath_check_last_run_timestamp_seconds\` stays, so the alert on it is
  \`time() - mailpath_check_last_run_timestamp_seconds > 3 * mailpath_check_interval_seconds\`.
- **Checks run on their own interval, not at the scrape**: two Prometheus servers must not double the logins and writes,
  and a hanging target must not hang the scrape. A value is that of the last run.
- **State sets** (\`verdict\`, \`state\`, \`cause\`) have a series for every state: 1 for the current one, 0 for the others.
- Times are seconds since the epoch, durations seconds, sizes bytes. No error text, mail address, IP address or URL is ever a
  label value.
- \`mailpath_certificate_info\` has the names of labels that other exporters have. \`subject\` and \`issuer\` leave out parts
  with a mail address, an IP address or a URL. \`subjectalternative\` has host names only, up to 500 bytes, then \`…\`. A
  renewed certificate is another series: join on \`probe\` and \`target\`. \`ses\`, \`kubernetes\` and \`canary\` have none.`

/** docs/metrics.md */
export function metricsDoc(): string {
  const groups = catalogue.flatMap(({ title, about, metrics }) => [
    `## ${title}`,
    about,
    ...(metrics.length > 0 ? [markdownTable(['Metric', 'Type', 'Labels', 'Meaning'], metrics.map(metricRow))] : []),
  ])
  return document('Metrics', metricsIntro, ...groups)
}

const metricRow = ({ name, type, labels, help }: Metric): string[] => [
  code(name),
  type,
  labels.map(code).join(', ') || 'none',
  inCell(help),
]

const reasonsIntro = `A verdict always has its reasons. A reason is a code out of this closed list, with a severity (how soon somebody
should act) and one line of evidence. Codes are label values of \`mailpath_check_reason\` and \`mailpath_mail_blocker\`;
the line and what to do about it are on the status page, in \`/api/v1/status\` and in \`check\`.

The verdict given here is what the reason alone makes of its check; the worst one counts: \`fail\`, then \`unknown\`, then
\`warn\`. Where the evidence allows it, the remedy shown at run time is more precise than the one given here.`

/** docs/reasons.md */
export function reasonsDoc(): string {
  const groups = reasonCatalogue.flatMap(({ title, about, reasons }) => [
    `## ${title}`,
    about,
    markdownTable(
      ['Reason', 'Verdict', 'Severity', 'Meaning', 'What to do'],
      Object.entries(reasons).map(([name, { verdict, failsIf, severity, meaning, remedy }]) => [
        code(name),
        failsIf === undefined ? verdict : inCell(`${verdict}; fail if ${failsIf}`),
        severity,
        inCell(meaning),
        inCell(remedy),
      ]),
    ),
  ])
  return document('Reasons', reasonsIntro, ...groups)
}

/** A Markdown file. */
export const document = (title: string, ...blocks: readonly string[]): string =>
  `${[`# ${title}`, generated, ...blocks].join('\n\n')}\n`
