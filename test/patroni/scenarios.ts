import type { Scenario } from './scenario.ts'
import { balancerScenarios } from './scenarios-balancer.ts'
import { dcsScenarios } from './scenarios-dcs.ts'
import { leaderScenarios } from './scenarios-leader.ts'
import { roleScenarios } from './scenarios-roles.ts'

/** In the order in which they are run. */
export const scenarios: readonly Scenario[] = [
  ...leaderScenarios,
  ...dcsScenarios,
  ...roleScenarios,
  ...balancerScenarios,
]
