import type { Outcome } from './flood.ts'

/** What the exporter may have at most in its container of 256 MiB, in bytes. */
const mostMemory = 160e6
const mostStopMs = 2_000

/** What SECURITY.md promises of a flood, and did not hold. */
export function brokenIn(outcome: Outcome): string[] {
  const { died, mostMemory: memory, missed, falseVerdicts, stoppedMs, reconnects, scrapes, runs } = outcome
  return [
    ...(died === undefined ? [] : [`it died: ${died}`]),
    ...(memory < mostMemory ? [] : [`memory: ${(memory / 1e6).toFixed(0)} MB`]),
    ...(missed.length === 0 ? [] : [`scrapes missed: ${[...new Set(missed)].slice(0, 3).join(', ')}`]),
    ...(scrapes > 0 ? [] : ['no scrape']),
    ...(reconnects === 0 ? [] : ['the scraper lost its connection']),
    ...(falseVerdicts.length === 0 ? [] : [`false verdicts: ${falseVerdicts.join(', ')}`]),
    ...(runs > 0.5 ? [] : [`only ${(runs * 100).toFixed(0)} % of the runs`]),
    ...(stoppedMs <= mostStopMs ? [] : [`SIGTERM: ${stoppedMs.toFixed(0)} ms`]),
  ]
}
