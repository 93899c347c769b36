import type { Config } from '../../src/config/load.ts'

/** Canaries as often as this: the rule of the file is once a minute at most, and a test is not to take as long. */
export const hastened = (config: Config, intervalMs: number): Config => ({
  ...config,
  checks: config.checks.map(check => (check.probe === 'canary' ? { ...check, intervalMs } : check)),
})
