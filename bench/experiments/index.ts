import type { Experiment } from '../experiment.ts'
import { canaryMemory } from './canary.ts'
import { fault } from './fault.ts'
import { growth } from './growth.ts'
import { hang } from './hang.ts'
import { load } from './load.ts'
import { memory } from './memory.ts'
import { outboxCost } from './outbox.ts'
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
  growth,
  fault,
  outboxCost,
]
