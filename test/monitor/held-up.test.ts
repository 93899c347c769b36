import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { run } from '../../src/monitor/run.ts'
import { checkOf, codesOf, fine, never, noReferences } from './checks.ts'

const stop = new AbortController().signal

function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('a deadline that came while the exporter itself was held up', () => {
  it('is no failure of a target that had answered by then', async () => {
    const check = checkOf(
      async ({ signal }) => {
        const answer = readFile(new URL(import.meta.url), { signal })
        block(1_500)
        await answer
        return fine
      },
      { timeoutMs: 500 },
    )
    expect(await run(check, noReferences, stop)).toMatchObject({ verdict: 'ok' })
  })

  it('comes all the same for one that does not answer', async () => {
    const check = checkOf(
      () => {
        block(1_500)
        return never()
      },
      { timeoutMs: 500 },
    )
    const observation = await run(check, noReferences, stop)
    expect(observation && codesOf(observation)).toEqual([['deadline_exceeded', 'fail']])
  })
})
