/** What a PromQL expression asks for: its metrics, how it picks their series, and the labels it groups by. */
import type { SyntaxNode } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'

interface Matcher {
  readonly label: string
  /** The texts it names; those of a regular expression that is a list are several. */
  readonly values: readonly string[]
}

interface Selector {
  readonly metric: string
  readonly matchers: readonly Matcher[]
}

/** A list of labels, and the metrics that the expressions it stands for are made of. */
interface Grouping {
  readonly kind: 'by' | 'without' | 'on'
  readonly labels: readonly string[]
  readonly metrics: readonly string[]
}

interface Asked {
  readonly selectors: readonly Selector[]
  readonly groupings: readonly Grouping[]
  readonly comparisons: number
}

const comparisons = ['Eql', 'Neq', 'Gtr', 'Lss', 'Gte', 'Lte']

/** Throws where the expression does not parse. */
export function askedBy(expr: string): Asked {
  const selectors: Selector[] = []
  const groupings: Grouping[] = []
  let count = 0
  const text = ({ from, to }: SyntaxNode): string => expr.slice(from, to)
  const namesIn = (node: SyntaxNode | null): string[] => node?.getChildren('LabelName').map(text) ?? []

  parser.parse(expr).iterate({
    enter({ node }) {
      if (node.type.isError) throw new Error(`does not parse at ${node.from}: ${expr}`)
      if (comparisons.includes(node.name)) count += 1
      if (node.name === 'VectorSelector') selectors.push(selectorOf(node, text))
      const modifier = node.getChild('AggregateModifier') ?? node.getChild('MatchingModifierClause')
      if (!modifier) return
      groupings.push({
        kind: modifier.getChild('By') ? 'by' : modifier.getChild('Without') ? 'without' : 'on',
        labels: namesIn(modifier.getChild('GroupingLabels')),
        metrics: metricsIn(node, text),
      })
    },
  })
  return { selectors, groupings, comparisons: count }
}

function selectorOf(node: SyntaxNode, text: (node: SyntaxNode) => string): Selector {
  const identifier = node.getChild('Identifier')
  const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []
  return {
    metric: identifier ? text(identifier) : '',
    matchers: matchers.map(matcher => {
      const [label, value] = [matcher.getChild('LabelName'), matcher.getChild('StringLiteral')]
      const written = value ? text(value).slice(1, -1) : ''
      return { label: label ? text(label) : '', values: /^[\w|]*$/.test(written) ? written.split('|') : [] }
    }),
  }
}

/** Those whose labels count: what is in scalar() has none. */
function metricsIn(node: SyntaxNode, text: (node: SyntaxNode) => string): string[] {
  const found: string[] = []
  node.cursor().iterate(({ name, node: inner }) => {
    if (name === 'Identifier') found.push(text(inner))
    const called = inner.getChild('FunctionIdentifier')
    return !called || text(called) !== 'scalar'
  })
  return [...new Set(found)]
}
