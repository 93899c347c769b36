import { ownPlans } from '../../clients/postgres-target.ts'
import { samePlaces } from '../../clients/postgres-url/same.ts'
import type { Plan } from '../../clients/postgres-url/plan.ts'
import type { Look } from '../../core/probe.ts'
import { shapes } from '../../core/shape.ts'
import type { OutboxTarget } from './target.ts'

/** How to log in to the database of the application, or why that is unknown. Throws Unresolved. */
export async function planOf(target: OutboxTarget, look: Look): Promise<Plan | string> {
  const plans = await ownPlans(target, look)
  if (typeof plans === 'string') return plans
  const [first, ...others] = plans
  if (others.some(other => !sameTable(first, other, target)))
    return 'leads to another database or schema with another driver. Set `driver` to the one the application has'
  const plan = await asOurRole(first, target, look)
  return plan.user === '' ? 'names no user. Set `user`' : plan
}

/** Whether two plans lead to the same table. How they use TLS does not matter for that. */
const sameTable = (a: Plan, b: Plan, { table }: OutboxTarget): boolean =>
  samePlaces(a, b) && a.database === b.database && (table.includes('.') || searchPath(a) === searchPath(b))

const searchPath = ({ startup }: Plan): string => JSON.stringify([startup['search_path'], startup['options']])

/** The password of the application is not sent with another role. */
async function asOurRole(plan: Plan, { url, user: given, password }: OutboxTarget, look: Look): Promise<Plan> {
  if (url === undefined || given === undefined) return plan
  const user = await look.text('user', given, shapes.user)
  return { ...plan, user, password: password === undefined && user !== plan.user ? undefined : plan.password }
}
