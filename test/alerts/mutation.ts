/** The rules with one mistake each, and whether the unit tests notice. */
import { durationsNear, edited, editsOf } from './mutation-expr.ts'
import { nameOf, type Rule, type RuleGroup } from './rules-file.ts'

/** The rules with one mistake. */
export interface Mutant {
  /** What is different, in words; no two mutants have the same. */
  readonly id: string
  readonly group: string
  /** Its place in the group. */
  readonly index: number
  readonly rule: Rule
}

export function mutantsOf(groups: readonly RuleGroup[]): Mutant[] {
  const all = groups.flatMap(({ name: group, rules }) =>
    rules.flatMap((rule, index) =>
      mistakes(rule).map(([what, mutated]) => ({ id: `${titleOf(rule)}: ${what}`, group, index, rule: mutated })),
    ),
  )
  // The same mistake in several places of an expression is several mutants.
  const seen = new Map<string, number>()
  return all.map(mutant => {
    const count = (seen.get(mutant.id) ?? 0) + 1
    seen.set(mutant.id, count)
    return count === 1 ? mutant : { ...mutant, id: `${mutant.id} (${count})` }
  })
}

export const mutatedGroups = (groups: readonly RuleGroup[], { group, index, rule }: Mutant): RuleGroup[] =>
  groups.map(one => (one.name === group ? { ...one, rules: one.rules.with(index, rule) } : one))

/** Several alerts may have one name. */
const titleOf = (rule: Rule): string =>
  [nameOf(rule), ...['severity', 'long'].flatMap(label => rule.labels?.[label] ?? [])].join(' ')

type Mistake = readonly [what: string, rule: Rule]

const mistakes = (rule: Rule): Mistake[] => [
  ...expressions(rule),
  ...durations(rule, 'for'),
  ...durations(rule, 'keep_firing_for'),
  ...labels(rule),
]

const expressions = (rule: Rule): Mistake[] =>
  editsOf(rule.expr).map(edit => {
    const before = rule.expr.slice(edit.from, edit.to)
    return [`${shown(before)} -> ${shown(edit.text)}`, { ...rule, expr: edited(rule.expr, edit) }]
  })

const shown = (text: string): string => (text === '' ? 'nothing' : text.replace(/\s+/g, ' ').trim())

function durations(rule: Rule, key: 'for' | 'keep_firing_for'): Mistake[] {
  const { [key]: duration, ...rest } = rule
  if (duration === undefined) return []
  const others = durationsNear(duration).map((other): Mistake => [`${key}: ${other}`, { ...rest, [key]: other }])
  return [[`no ${key}`, rest], ...others]
}

const severities = ['critical', 'warning', 'info', 'none']

function labels(rule: Rule): Mistake[] {
  const all = Object.entries(rule.labels ?? {})
  const without = all.map(([label]): Mistake => [
    `no label ${label}`,
    { ...rule, labels: Object.fromEntries(all.filter(([other]) => other !== label)) },
  ])
  const now = rule.labels?.['severity']
  const other = severities.find(severity => severity !== now) ?? ''
  return now === undefined
    ? without
    : [...without, [`severity: ${other}`, { ...rule, labels: { ...rule.labels, severity: other } }]]
}
