import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The file that takes longest begins first: else it runs alone at the end, and the other worker has nothing to do. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => moduleId.endsWith('/faults/faults.test.ts')
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter(file => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    setupFiles: ['test/setup.ts'],
    // A process per file: what it opens is its own, and the leak guard sees all of it, child processes too.
    pool: 'forks',
    // More than the cores of a small machine: most of the time is spent waiting for servers.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    tags: [{ name: 'slow', description: 'Not in npm test, but in npm run test:slow.' }],
    // Real servers in real time: any machine may stall for a second. What fails twice is broken. A retried test is shown.
    retry: 1,
    // Only for what hangs: on a machine with other work a test may take ten times as long.
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
})
