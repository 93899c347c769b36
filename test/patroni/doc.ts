/** docs/patroni.md, from the results of the scenarios. Pure. */
import { inCell } from '../../docs/generate/docs.ts'
import { markdownTable } from '../../src/report/table.ts'
import type { ScenarioRun } from './record.ts'
import { brokenPromises, figuresOf, type Figures, type Kind } from './score.ts'
import { timelineOf, type Line } from './timeline.ts'

export const docFile = new URL('../../docs/patroni.md', import.meta.url)
export const resultsFile = new URL('results.json', import.meta.url)

/** What is kept of a run: results.json is a list of them. */
export interface Result extends Pick<
  ScenarioRun,
  'name' | 'does' | 'versions' | 'intervalMs' | 'timeoutMs' | 'broken'
> {
  readonly figures: Figures
  readonly timeline: readonly Line[]
}

export const resultOf = (run: ScenarioRun): Result => {
  const { name, does, versions, intervalMs, timeoutMs, broken } = run
  return {
    name,
    does,
    versions,
    intervalMs,
    timeoutMs,
    ...(broken !== undefined && { broken }),
    figures: figuresOf(run),
    timeline: timelineOf(run),
  }
}

/** The share of the time in which the root was right, of all scenarios together; 1 if none was shown. */
export function rightShare(results: readonly Result[]): number {
  const sum = (of: (figures: Figures) => number): number => results.reduce((all, { figures }) => all + of(figures), 0)
  const shown = sum(({ rootShown }) => rootShown)
  return shown === 0 ? 1 : sum(({ rootRight }) => rootRight) / shown
}

const generated =
  '<!-- Generated from test/patroni/results.json; `npm run patroni` runs the scenarios and writes both. -->'

export function patroniDoc(results: readonly Result[]): string {
  const whole = results.filter(({ broken }) => broken === undefined)
  return `${[
    '# On a real Patroni',
    generated,
    introduction(results),
    promises(whole),
    '## All scenarios',
    legend,
    markdownTable([...columns], whole.map(row)),
    '## One by one',
    howToRead,
    ...results.map(section),
  ].join('\n\n')}\n`
}

function introduction(results: readonly Result[]): string {
  const [first] = results
  const versions = [...new Set(results.map(one => versionsOf(one)))]
  const times = first ? `every ${first.intervalMs / 1000} s, with a timeout of ${first.timeoutMs / 1000} s` : ''
  return `Three nodes of Postgres under Patroni, with etcd, HAProxy as in the template of Patroni, and PgBouncer, all of them real.
Something is broken, and then fixed. Meanwhile writers commit rows all the time: some open a new session for each row, some
keep their session, as a pool does. What they could commit is the truth. The exporter looks ${times},
with \`patroni\`, \`haproxy\` and \`pgbouncer\` targets. \`npm run patroni\` does all of that again.

There are four ways to the primary, each with a mail path of its own. \`haproxy\` has \`on-marked-down shutdown-sessions\`,
\`haproxy-plain\` does not. \`pgbouncer\` pools transactions, \`pgbouncer-session\` pools sessions. Both lead to \`haproxy\`.

Versions: ${versions.join('; and ')}.`
}

const versionsOf = ({ versions }: Result): string =>
  Object.entries(versions)
    .map(([what, version]) => `${what} ${version}`)
    .join(', ')

function promises(results: readonly Result[]): string {
  const total = (of: (figures: Figures) => number): number => results.reduce((all, { figures }) => all + of(figures), 0)
  const broken = results.flatMap(({ name, figures }) => brokenPromises(figures).map(one => `${name}: ${one}`))
  const told = results.flatMap(({ figures }) => figures.told)
  return `${markdownTable(
    ['In all scenarios', 'Promised', 'Seen'],
    [
      ['False ok, new sessions', '0 s', inSeconds(total(({ falseOk }) => falseOk.fresh))],
      ['False ok, pooled sessions', '0 s', inSeconds(total(({ falseOk }) => falseOk.pooled))],
      ['The root shown would end the outage', '95 %', percent(rightShare(results))],
      ['Harmful advice', 'none', inSeconds(total(({ harm }) => harm.reduce((sum, { seconds }) => sum + seconds, 0)))],
      [
        'Reasons that have to be there before the outage',
        `${told.length}`,
        `${told.filter(({ seconds }) => seconds !== undefined).length}`,
      ],
    ],
  )}${broken.length === 0 ? '' : `\n\nNot kept:\n\n${broken.map(one => `- ${one}`).join('\n')}`}`
}

const columns = [
  'Scenario',
  'Outage',
  'False ok',
  'False fail',
  'Until fail',
  'Until the root',
  'Root right',
  'Turns',
  'Said before',
  'Lost rows',
] as const

const legend = `- **Outage**: how long nothing could be committed, by new and by pooled sessions, on the way where it was longest.
- **False ok**: how long mail was said to be well while the writers could not commit, beyond an interval and a timeout.
- **False fail**: how long mail was said to fail while all of them could, and with a root that was not true.
- **Until fail**, **until the root**: from the begin of the outage until the verdict, and until a root that would end it.
- **Root right**: of the time in which a root was shown, the share in which it was one that would end the outage.
- **Turns**: how often the verdict turned to \`fail\`, and away from it.
- **Said before**: how long before the outage (or what is named below) the reason was there that announces it.
- **Lost rows**: rows that were committed and that no node has afterwards, and whether a reason said so.`

const howToRead = `Times are in seconds from what was broken on. \`>\` is what was done, \`=\` what was true, and the rest is what the
exporter said from then on. PATH is the write path of the way.`

const inSeconds = (seconds: number): string => `${seconds.toFixed(1)} s`
const percent = (share: number): string => `${Math.floor(share * 1000) / 10} %`
const orDash = (seconds: number | undefined): string => (seconds === undefined ? '–' : inSeconds(seconds))

function row(result: Result): string[] {
  const { figures } = result
  const longest = (kind: Kind): number | undefined =>
    figures.outages.filter(one => one.kind === kind).sort((a, b) => b.seconds - a.seconds)[0]?.seconds
  const before = figures.told.map(({ seconds }) => (seconds === undefined ? '**no**' : inSeconds(seconds)))
  return [
    inCell(titleOf(result)),
    `${orDash(longest('fresh'))}, ${orDash(longest('pooled'))}`,
    inSeconds(Math.max(figures.falseOk.fresh, figures.falseOk.pooled)),
    inSeconds(figures.falseFail),
    orDash(figures.untilFail),
    orDash(figures.untilRoot),
    figures.rootShown === 0 ? '–' : percent(figures.rootRight / figures.rootShown),
    `${figures.toFail}, ${figures.fromFail}`,
    before.length === 0 ? '–' : before.join(', '),
    figures.lost === 0 ? '0' : `${figures.lost}, ${figures.lostTold ? 'said' : '**not said**'}`,
  ]
}

const titleOf = ({ name, versions }: Result): string =>
  versions['patroni'] === undefined ? name : `${name} (Patroni ${versions['patroni']})`

function section(result: Result): string {
  const { does, broken, figures, timeline } = result
  const lines = timeline.map(({ at, what, text }) => `${at.toFixed(1).padStart(7)}  ${sign[what]} ${text}`)
  const starved =
    figures.starved === 0
      ? []
      : [`- The machine was short of CPU for ${inSeconds(figures.starved)}: in that time not all could be looked at.`]
  const harm = figures.harm.map(
    one => `- Harmful for ${inSeconds(one.seconds)}: ${one.rule}. \`${one.reason}\` said: ${one.remedy}`,
  )
  const told = figures.told.map(({ reason, before, seconds }) =>
    seconds === undefined
      ? `- Not said before ${before}: \`${reason}\`.`
      : `- \`${reason}\` was said ${inSeconds(seconds)} before ${before === 'outage' ? 'the outage' : before === 'end' ? 'the end' : before}.`,
  )
  return [
    `### ${titleOf(result)}`,
    does,
    ...(broken === undefined ? [] : [`**Not run to its end, so no figure counts:** ${broken}`]),
    `\`\`\`text\n${lines.join('\n')}\n\`\`\``,
    ...(harm.length + told.length + starved.length === 0 ? [] : [[...told, ...harm, ...starved].join('\n')]),
  ].join('\n\n')
}

const sign: Readonly<Record<Line['what'], string>> = { done: '>', truth: '=', said: ' ' }
