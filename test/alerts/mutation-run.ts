/** Runs the unit tests against mutants, of the tests and the rules no more than are needed. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { removeFolder, runProcess, tempFolder } from '../servers/processes.ts'
import { mutatedGroups, type Mutant } from './mutation.ts'
import { nameOf, promtool, type Rule, type RuleGroup, type TestFile, type TestGroup } from './rules-file.ts'

export interface Outcome {
  readonly mutant: Mutant
  /** `invalid`: it is no rule at all, so that nothing was tested. */
  readonly fate: 'killed' | 'survived' | 'invalid'
}

type Tests = ReadonlyMap<string, TestFile>

const names = (expr: string): Set<string> => new Set(expr.match(/[\w:]+/g))

/** The tests of a file that look at a rule, with nothing else in them that they look at. */
function testsOf(name: string, tests: Tests): Map<string, TestFile> {
  const looking = (group: TestGroup): TestGroup[] => {
    const alerts = group.alert_rule_test.filter(check => check.alertname === name)
    const exprs = group.promql_expr_test.filter(check => names(check.expr).has(name))
    return alerts.length + exprs.length === 0 ? [] : [{ ...group, alert_rule_test: alerts, promql_expr_test: exprs }]
  }
  return new Map(
    [...tests].flatMap(([file, content]) => {
      const found = content.tests.flatMap(looking)
      return found.length === 0 ? [] : [[file, { ...content, tests: found }]]
    }),
  )
}

const textsOf = ({ expr, annotations = {} }: Rule): string => [expr, ...Object.values(annotations)].join(' ')

/** Everything that a name leads to, by steps, and the name itself. */
function closure(name: string, next: (name: string) => readonly string[]): Set<string> {
  const found = new Set<string>()
  const follow = (one: string): void => {
    if (found.has(one)) return
    found.add(one)
    next(one).forEach(follow)
  }
  follow(name)
  return found
}

/** What the rules of a name look at: what is recorded, and every alert where they ask for ALERTS without a name. */
function usesOf(rules: readonly Rule[]): (name: string) => string[] {
  const words = new Map(rules.map(rule => [rule, names(textsOf(rule))]))
  return name => {
    const own = rules.filter(rule => nameOf(rule) === name)
    const asked = new Set(own.flatMap(rule => [...(words.get(rule) ?? [])]))
    const anyAlert = own.some(rule => /\bALERTS(?!{alertname="\w+")/.test(rule.expr))
    return rules
      .filter(rule => asked.has(nameOf(rule)) || (anyAlert && rule.alert !== undefined))
      .map(nameOf)
      .filter(other => other !== name)
  }
}

/** Whether a set of tests passes on rules. Throws where promtool says something else. */
async function fateOf(groups: readonly RuleGroup[], tests: Tests): Promise<Outcome['fate']> {
  const folder = tempFolder('mailpath-mutant-')
  try {
    await writeFile(path.join(folder, 'rules.json'), JSON.stringify({ groups }))
    const order = groups.map(group => group.name)
    const files = [...tests].map(async ([file, content]) => {
      const name = path.join(folder, file)
      // JSON is YAML.
      await writeFile(name, JSON.stringify({ ...content, rule_files: ['rules.json'], group_eval_order: order }))
      return name
    })
    await runProcess(promtool() ?? 'promtool', ['test', 'rules', ...(await Promise.all(files))], { timeoutMs: 300_000 })
    return 'survived'
  } catch (error) {
    const text = String(error)
    if (/FAILED:/.test(text)) return /could not parse|parse error|group "/.test(text) ? 'invalid' : 'killed'
    throw error
  } finally {
    await removeFolder(folder)
  }
}

/** By the tests that look at the rule itself; where it survives, by those of the rules that look at it. */
async function judge(mutant: Mutant, groups: readonly RuleGroup[], tests: Tests): Promise<Outcome> {
  const rules = groups.flatMap(group => group.rules)
  const uses = usesOf(rules)
  const own = nameOf(mutant.rule)
  const usedBy = (name: string): string[] => rules.map(nameOf).filter(other => uses(other).includes(name))
  const mutated = mutatedGroups(groups, mutant)
  for (const name of closure(own, usedBy)) {
    const needed = closure(name, uses)
    const fate = await fateOf(only(mutated, needed), testsOf(name, tests))
    if (fate !== 'survived') return { mutant, fate }
  }
  return { mutant, fate: 'survived' }
}

const only = (groups: readonly RuleGroup[], wanted: ReadonlySet<string>): RuleGroup[] =>
  groups
    .map(group => ({ ...group, rules: group.rules.filter(rule => wanted.has(nameOf(rule))) }))
    .filter(group => group.rules.length > 0)

/** All of them, `atOnce` at a time. */
export async function runMutants(
  mutants: readonly Mutant[],
  groups: readonly RuleGroup[],
  tests: Tests,
  { atOnce = 2, onOutcome = () => undefined }: { atOnce?: number; onOutcome?: (outcome: Outcome) => void } = {},
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const left = [...mutants]
  const work = async (): Promise<void> => {
    for (let mutant = left.shift(); mutant; mutant = left.shift()) {
      const outcome = await judge(mutant, groups, tests)
      outcomes.push(outcome)
      onOutcome(outcome)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return outcomes
}
