import type { Scenario } from './scenario.ts'
import { leaderScenarios } from './scenarios-leader.ts'

/** In the order in which they are run: those that may leave more behind are later. */
export const scenarios: readonly Scenario[] = [...leaderScenarios]
