import type { Area } from './fault.ts'
import { runnable, type Runnable } from './runner.ts'
import { addressFaults } from './write_path-address.ts'
import { serverFaults } from './write_path-server.ts'
import { startWritePathStage, type WritePathStage } from './write_path-stage.ts'

const writePath: Area<WritePathStage> = {
  name: 'Write path',
  start: startWritePathStage,
  faults: [...serverFaults, ...addressFaults],
}

export const writePathAreas: readonly Runnable[] = [runnable(writePath)]
