/** Small mistakes in a PromQL expression, one at a time. */
import type { SyntaxNode } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'

/** What stands there, and what would by mistake. */
interface Edit {
  readonly from: number
  readonly to: number
  readonly text: string
}

const operators: Readonly<Record<string, readonly string[]>> = {
  Eql: ['!='],
  Neq: ['=='],
  Gtr: ['<', '>='],
  Lss: ['>', '<='],
  Gte: ['<', '>'],
  Lte: ['>', '<'],
  Sub: ['+'],
  Div: ['*'],
  And: ['unless'],
  Unless: ['and'],
  Max: ['min'],
  Min: ['max'],
  EqlSingle: ['!='],
  NeqRegex: ['=~'],
  EqlRegex: ['!~'],
}

export function editsOf(expr: string): Edit[] {
  const edits: Edit[] = []
  const textOf = ({ from, to }: SyntaxNode): string => expr.slice(from, to)
  parser.parse(expr).iterate({
    enter({ node }) {
      const add = (text: string, { from, to }: Pick<SyntaxNode, 'from' | 'to'> = node): number =>
        edits.push({ from, to, text })
      // In a matcher != is the opposite of =, and not of ==.
      const inMatcher = node.parent?.name === 'MatchOp' && node.name === 'Neq'
      for (const other of inMatcher ? ['='] : (operators[node.name] ?? [])) add(other)
      switch (node.name) {
        case 'NumberDurationLiteral':
          for (const other of numbersNear(Number(textOf(node)))) add(other)
          break
        case 'DurationExpr':
          for (const other of durationsNear(textOf(node))) add(other)
          break
        case 'LabelName':
          add(`${textOf(node)}_x`)
          if (node.parent?.name === 'GroupingLabels') add('', withComma(expr, node))
          break
        case 'UnquotedLabelMatcher':
          add('', withComma(expr, node))
          break
        case 'StringLiteral':
          if (node.parent?.name === 'UnquotedLabelMatcher')
            for (const other of withoutAlternative(textOf(node))) add(other)
          break
        case 'BinaryExpr':
          for (const other of branchesOf(node)) add(textOf(other))
      }
    },
  })
  return edits
}

export const edited = (expr: string, { from, to, text }: Edit): string => expr.slice(0, from) + text + expr.slice(to)

/** By a tenth more and less; where that is nothing, by one. */
const numbersNear = (value: number): string[] =>
  (value === 0 ? [1, -1] : [value * 1.1, value * 0.9]).map(other => String(Number(other.toPrecision(6))))

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Half as long, and twice as long. `duration` as Prometheus writes it, in one unit. */
export function durationsNear(duration: string): string[] {
  const [, count = '', unit = ''] = /^(\d+)([smhd])$/.exec(duration) ?? []
  const length = Number(count) * (seconds[unit] ?? Number.NaN)
  return [length / 2, length * 2].map(other => `${other}s`)
}

/** With the comma that goes with an entry of a list. */
function withComma(expr: string, { from, to }: SyntaxNode): Pick<SyntaxNode, 'from' | 'to'> {
  const after = /^\s*,\s*/.exec(expr.slice(to))?.[0].length
  if (after !== undefined) return { from, to: to + after }
  return { from: from - (/,\s*$/.exec(expr.slice(0, from))?.[0].length ?? 0), to }
}

/** A regular expression that is a list, without one entry each. */
function withoutAlternative(literal: string): string[] {
  const all = literal.slice(1, -1).split('|')
  return all.length < 2 || /[()]/.test(literal)
    ? []
    : all.map((_, i) => JSON.stringify(all.filter((_, j) => j !== i).join('|')))
}

/** What is left of `a and b`, `a unless b` without b, and of `a or b` without either. */
function branchesOf(node: SyntaxNode): SyntaxNode[] {
  const [left, right] = node.getChildren('Expr')
  if (!left || !right) return []
  if (node.getChild('Or')) return [left, right]
  return node.getChild('And') || node.getChild('Unless') ? [left] : []
}
