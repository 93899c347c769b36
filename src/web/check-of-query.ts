import type { IncomingMessage } from 'node:http'
import { checkId, type Check } from '../core/probe.ts'
import type { Monitor } from '../monitor/index.ts'
import { queryOf } from './query.ts'
import { HttpError } from './respond.ts'

/** The check that `?probe=&target=` names, and which of the `switches` are on. Throws an HttpError for any other query. */
export function checkOfQuery(
  request: IncomingMessage,
  monitor: Monitor,
  switches: readonly string[] = [],
): { readonly check: Check; readonly on: ReadonlySet<string> } {
  const query = queryOf(request)
  const problem = problemIn(query, switches)
  if (problem !== undefined) throw new HttpError(400, problem)
  const [probe, target] = [query.get('probe') ?? '', query.get('target') ?? '']
  const checks = monitor.checks()
  const id = checkId({ probe, target })
  const check = checks.find(one => checkId(one) === id && one.probe === probe)
  if (!check) throw new HttpError(404, unknownCheck(probe, checks))
  return { check, on: new Set(switches.filter(name => query.get(name) === 'true')) }
}

function problemIn(query: URLSearchParams, switches: readonly string[]): string | undefined {
  const needed = ['probe', 'target']
  const known = [...needed, ...switches]
  if ([...query.keys()].some(key => !known.includes(key))) return `the parameters here are ${known.join(', ')}`
  const twice = known.find(key => query.getAll(key).length > 1)
  if (twice !== undefined) return `${twice} is given more than once`
  const missing = needed.find(key => !query.get(key))
  if (missing !== undefined) return `${missing} is missing: name a check of the configuration, ?probe=KIND&target=NAME`
  const odd = switches.find(key => !['true', 'false', null].includes(query.get(key)))
  return odd === undefined ? undefined : `${odd} is true or false`
}

const maxListed = 100

/** Does not repeat the name of the request: it could be anything. */
function unknownCheck(probe: string, checks: readonly Check[]): string {
  const targets = checks.filter(check => check.probe === probe).map(check => check.target)
  const [what, names] =
    targets.length > 0
      ? ['there is no such target; those of this probe are', targets]
      : ['there is no check of such a probe; those of the configuration are', checks.map(check => check.probe)]
  const known = [...new Set(names)]
  const more = known.length > maxListed ? [`and ${known.length - maxListed} more`] : []
  return [`${what}:`, ...known.slice(0, maxListed), ...more].join('\n')
}
