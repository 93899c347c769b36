import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    // A process per file: what it opens is its own, and the leak guard sees all of it, child processes too.
    pool: 'forks',
    // Some files start whole clusters of servers.
    maxWorkers: 2,
    // A machine of CI may stall for a second; what fails twice is broken. A retried test is shown as such.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
