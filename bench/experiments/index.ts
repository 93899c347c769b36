import type { Experiment } from '../experiment.ts'
import { canaryMemory } from './canary.ts'
import { fault } from './fault.ts'
import { fleet } from './fleet.ts'
import { growth } from './growth.ts'
import { hang } from './hang.ts'
import { kinds } from './kinds.ts'
import { load } from './load.ts'
import { memory } from './memory.ts'
import { nodeVersions } from './node-versions.ts'
import { outboxCost } from './outbox.ts'
import { page } from './page.ts'
import { probes } from './probes.ts'
import { scale } from './scale.ts'
import { scrapeCpu, throughput } from './scrape.ts'
import { start } from './start.ts'

/** In the order of the page. */
export const experiments: readonly Experiment[] = [
  throughput,
  scrapeCpu,
  memory,
  canaryMemory,
  hang,
  load,
  start,
  scale,
  kinds,
  probes,
  nodeVersions,
  growth,
  fleet,
  page,
  fault,
  outboxCost,
]
