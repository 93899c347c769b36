import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The files that take longest begin first, in this order: one that begins late runs alone at the end, and the other workers wait. */
const longest = [
  'faults/faults',
  'chain/chain',
  'alerts/rules',
  'monitor/watch',
  'soak/soak',
  'demo/demo',
  'test/canary',
  'probes/sessions',
  'clients/postgres-url',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification): number =>
      (longest.findIndex(name => moduleId.endsWith(`${name}.test.ts`)) + longest.length + 1) % (longest.length + 1)
    return (await super.sort(files)).sort((a, b) => placeOf(a) - placeOf(b))
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    // A process per file: what it opens is its own, and the leak guard sees all of it, child processes too.
    pool: 'forks',
    // More than the cores of a small machine: most of the time is spent waiting for servers.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // Real servers in real time: any machine may stall for a second. What fails twice is broken. A retried test is shown.
    retry: 1,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
