import type { Plan } from '../assess/assessment.ts'
import { offsetOf } from '../monitor/scheduler.ts'
import { checkId, type Check } from '../core/probe.ts'
import { canary } from '../probes/canary/index.ts'
import { leavesBy } from '../probes/canary/leaves-by.ts'
import { waysNamed } from '../probes/dns/ways.ts'
import { kubernetes } from '../probes/kubernetes/index.ts'
import { mail, namesFor, type MailTarget } from '../probes/mail/index.ts'
import { throughOf } from '../probes/write_path/through.ts'

/** One of `count` exporters that share a configuration; `index` counts from 0. */
export interface Shard {
  readonly index: number
  readonly count: number
}

/**
 * The part of a plan for this shard. What is assessed together stays together: the nodes of a cluster with the write
 * paths into it, a canary with what it leaves by, a domain with the relay and the SES that it names, and a mail path with all that
 * it needs. Together the shards are exactly the whole plan. Only the API server, a HAProxy and a PgBouncer would tie all together,
 * so each is in every shard that reads from it or goes through it.
 */
export function shardOf(plan: Plan, { index, count }: Shard): Plan {
  // One that no path names is in one shard, like any other check.
  const between = new Set(plan.checks.flatMap(throughOf))
  const isShared = (check: Check): boolean => check.probe === kubernetes.kind || between.has(checkId(check))
  const shared = new Set(plan.checks.filter(isShared).map(checkId))
  const groups = groupsOf(plan, shared)
  const isMine = (key: string): boolean => offsetOf(groups(key), count) === index
  const mine = new Set(plan.checks.filter(check => !isShared(check) && isMine(checkId(check))))
  const through = new Set([...mine].flatMap(throughOf))
  const users = plan.checks.filter(check => mine.has(check) || through.has(checkId(check)))
  const needed = new Set([...through, ...users.flatMap(check => check.needs)])
  return {
    checks: plan.checks.filter(check => (isShared(check) ? needed.has(checkId(check)) : mine.has(check))),
    mail: plan.mail.filter(target => isMine(checkId({ probe: mail.kind, target: target.name }))),
  }
}

/** Gives each check its group: the least name of all checks it is tied to, however far; `shared` ties nothing. */
function groupsOf({ checks, mail: paths }: Plan, shared: ReadonlySet<string>): (key: string) => string {
  const above = new Map<string, string>()
  const top = (key: string): string => {
    const next = above.get(key)
    return next === undefined ? key : top(next)
  }
  const tie = (a: string, b: string): void => {
    const [first, second] = [top(a), top(b)]
    if (first < second) above.set(second, first)
    else if (second < first) above.set(first, second)
  }
  for (const check of checks) {
    const { cluster } = check.config
    if (cluster !== undefined) tie(checkId(check), `cluster/${cluster}`)
    const way = leavesBy(check)
    if (way) tie(checkId(check), way.id)
    for (const id of waysNamed(check)) tie(checkId(check), id)
  }
  // A canary, and a domain that names its ways, are where these are, and say something of no other mail path.
  const isNeeded = (check: Check, path: MailTarget): boolean =>
    namesFor(path, check.probe)?.includes(check.target) ?? !(check.probe === canary.kind || waysNamed(check).length > 0)
  for (const path of paths)
    for (const check of checks.filter(one => isNeeded(one, path))) {
      const own = checkId({ probe: mail.kind, target: path.name })
      for (const id of [checkId(check), ...check.needs]) if (!shared.has(id)) tie(own, id)
    }
  return top
}
