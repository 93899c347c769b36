/** Looks at mail paths, as the history takes them, and what it makes of them. */
import type { Blocker, CheckStatus, MailStatus } from '../../src/assess/assessment.ts'
import { byKind, pathKinds } from '../../src/probes/needs.ts'
import type { Reason, Verdict } from '../../src/core/probe.ts'
import { remember, type Past } from '../../src/history/remember.ts'
import { start } from '../status/looked.ts'

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute

/** The verdict of a mail path, with what blocks it: `write_path/app read_only`. The first is the root. */
export type Said = Exclude<Verdict, 'fail'> | readonly [string, ...string[]]

/** The moment, in milliseconds since the tests began, and what each mail path says then. */
export type At = readonly [
  ms: number,
  paths: Readonly<Record<string, Said>>,
  checks?: Readonly<Record<string, Verdict | 'gone'>>,
]

/** More checks than these would make the looks slow. */
const mostChecks = 100

/** The ids of the checks that the looks tell of. All are configured at each look that does not say `gone`. */
const checksIn = (looks: readonly At[]): string[] => {
  const ids = looks.flatMap(([, paths]) =>
    Object.values(paths).flatMap(said => (typeof said === 'string' ? [] : said.map(one => one.split(' ')[0] ?? ''))),
  )
  return new Set(ids).size > mostChecks ? [] : ids
}

function blockerOf(text: string, root: boolean): Blocker {
  const [, probe = '', target = '', code = ''] = /^(\w+)\/(\S+) (\w+)$/.exec(text) ?? []
  const reason: Reason = { code, verdict: 'fail', severity: 'high', text: `${target}: ${code}`, remedy: 'fix it' }
  return { probe, target, reason, level: 'fail', root }
}

function pathOf(name: string, said: Said): MailStatus {
  const blockers = typeof said === 'string' ? [] : said.map((text, i) => blockerOf(text, i === 0))
  const verdict = typeof said === 'string' ? said : 'fail'
  return {
    name,
    verdict,
    provider: 'smtp',
    blockers,
    root: blockers[0],
    exceptions: [],
    needs: byKind(pathKinds, () => []),
  }
}

/** A status with what the history reads of it. */
const checkOf = (id: string, verdict: Verdict): CheckStatus => {
  const [probe = '', target = ''] = id.split('/')
  const rest = { needs: [], reasons: [], evidence: '', stale: false, observation: undefined, samples: [] }
  return { id, probe, target, verdict, intervalMs: 15 * second, config: { name: target }, ...rest }
}

/** What is remembered after these looks, from a past on. */
export const after = (looks: readonly At[], from?: Past): Past => {
  const ids = [...new Set([...(from?.history.checks.keys() ?? []), ...checksIn(looks)])]
  const known = Object.fromEntries(ids.map(id => [id, 'ok']))
  const past = looks.reduce<Past | undefined>(
    (before, [ms, paths, checks = {}]) =>
      remember(before, {
        at: start + ms,
        mail: Object.entries(paths).map(([name, said]) => pathOf(name, said)),
        checks: Object.entries({ 'postgres/db-1': 'ok', ...known, ...checks }).flatMap(([id, verdict]) =>
          verdict === 'gone' ? [] : [checkOf(id, verdict as Verdict)],
        ),
      }),
    from,
  )
  if (!past) throw new Error('there is no look')
  return past
}

/** The same status at each of the moments, some seconds apart. */
export const during = (fromMs: number, toMs: number, paths: At[1], everyMs = 15 * second): At[] =>
  Array.from({ length: Math.ceil((toMs - fromMs) / everyMs) }, (_, i) => [fromMs + i * everyMs, paths])
