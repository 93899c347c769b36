import { describe, expect, it } from 'vitest'
import { needs } from '../servers/processes.ts'
import { prometheusInstall } from '../servers/prometheus.ts'
import { mutantsOf } from './mutation.ts'
import { runMutants } from './mutation-run.ts'
import { survivors } from './mutation-survivors.ts'
import { promtool, readRules, readTests } from './rules-file.ts'

const groups = readRules()

/** Of all mutants one in so many: all of them take minutes (`npx tsx test/alerts/mutate.ts`). */
const stride = 12

describe.skipIf(!needs('promtool', promtool(), prometheusInstall))('with promtool', () => {
  it('the unit tests notice every mistake in the rules but those known', { timeout: 900_000 }, async () => {
    const sample = mutantsOf(groups).filter((_, index) => index % stride === 0)
    const outcomes = await runMutants(sample, groups, readTests())
    const survived = outcomes.filter(({ fate }) => fate === 'survived').map(({ mutant }) => mutant.id)
    const known = sample.map(mutant => mutant.id).filter(id => Object.hasOwn(survivors, id))
    expect(survived.sort()).toEqual(known.sort())
    expect(outcomes.filter(({ fate }) => fate === 'invalid').map(({ mutant }) => mutant.id)).toEqual([])
  })
})
