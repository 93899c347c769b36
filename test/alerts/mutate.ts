/** Mutants of the rules against their unit tests: `npm run mutants -- [part of a name] [--every n]`, of which every n-th. */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { mutantsOf } from './mutation.ts'
import { runMutants, type Outcome } from './mutation-run.ts'
import { survivors } from './mutation-survivors.ts'
import { readRules, readTests } from './rules-file.ts'

const { values, positionals } = parseArgs({ options: { every: { type: 'string' } }, allowPositionals: true })
const [part = ''] = positionals
const every = Number(values.every ?? 1)
const groups = readRules()
const mutants = mutantsOf(groups).filter((mutant, index) => mutant.id.includes(part) && index % every === 0)
const startedAt = performance.now()
const isKnown = ({ mutant }: Outcome): boolean => Object.hasOwn(survivors, mutant.id)

const outcomes = await runMutants(mutants, groups, readTests(), {
  atOnce: availableParallelism(),
  onOutcome: outcome => {
    if (outcome.fate !== 'killed' || isKnown(outcome))
      console.log(`${outcome.fate}${isKnown(outcome) ? ' (known)' : ''}: ${outcome.mutant.id}`)
  },
})

const killed = outcomes.filter(outcome => outcome.fate === 'killed')
const survived = outcomes.filter(outcome => outcome.fate === 'survived')
const share = ((100 * killed.length) / (killed.length + survived.length)).toFixed(1)
const took = ((performance.now() - startedAt) / 1000).toFixed(0)
console.log(
  `${outcomes.length} mutants, ${killed.length} killed (${share} %), ${survived.length} survived, in ${took} s`,
)
const wrong = outcomes.filter(
  outcome => (outcome.fate === 'survived') !== isKnown(outcome) || outcome.fate === 'invalid',
)
// None at all would prove nothing.
process.exitCode = wrong.length === 0 && outcomes.length > 0 ? 0 : 1
