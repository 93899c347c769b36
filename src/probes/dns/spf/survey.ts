import { cut } from '../../../core/shown.ts'
import { mostLookups } from './evaluation.ts'
import type { Directive } from './directive.ts'
import { leadsOn, mostSteps, type Node, type Step, type Tree } from './tree.ts'

/** What the records show without asking any more. Texts begin with the name of the record. */
export interface Survey {
  readonly errors: readonly string[]
  readonly open: readonly string[]
  readonly permissive: readonly string[]
  readonly deprecated: readonly string[]
  /** Of an address that nothing fits; undefined if it is not known where a term leads, or what is there. */
  readonly lookups: number | undefined
  /** The first ten of them, with the record that each is in. */
  readonly first: readonly { readonly record: string; readonly step: Step }[]
}

/** More of a kind say nothing more. */
const mostTexts = 20
/** Networks that are larger hold many owners: /8 and /16 are the largest that one owner has. */
const widest = { 4: 8, 16: 16 } as const

export function survey(tree: Tree): Survey {
  const { lookups, errors } = countLookups(tree)
  const nodes = [...tree.nodes.values()]
  const { open, permissive } = endsOf(tree)
  const most = (texts: readonly string[]) => [...new Set(texts)].slice(0, mostTexts)
  return {
    errors: most([...nodes.flatMap(node => problemsOf(node, tree)), ...errors]),
    open: most(open),
    permissive: most(permissive),
    deprecated: most(nodes.flatMap(deprecatedIn)),
    lookups,
    first: firstSteps(tree),
  }
}

/** The text of a term, no longer than is of use. */
const quoted = (text: string): string => `\`${cut(text, 100)}\``

function problemsOf({ name, found, steps }: Node, { root, nodes }: Tree): string[] {
  if (found.kind === 'several') return [`${name} has ${found.count} SPF records, and may have one`]
  if (found.kind !== 'found') return []
  const dangling = steps.filter(step => leadsOn(step) && nodes.get(step.name ?? '')?.found.kind === 'missing')
  const texts = found.record.problems.map(problem => `${name}: ${problem}`)
  const missing = dangling.map(
    step => `${name}: ${quoted(step.text)} leads to ${step.name ?? root}, which has no SPF record`,
  )
  return [...texts, ...missing]
}

function countLookups({ root, nodes, isCut }: Tree): { lookups: number | undefined; errors: string[] } {
  const errors: string[] = []
  const counted = new Map<string, number>()
  const isWhole = [...nodes.values()].every(
    ({ found, steps }) => found.kind !== 'unanswered' && steps.every(step => step.name !== undefined || !leadsOn(step)),
  )
  const all = countIn(root, [])
  const isExact = isWhole && !isCut && all < mostSteps
  if (all > mostLookups)
    errors.push(`${root} takes ${isExact ? '' : 'at least '}${all} look-ups in all, and may take ${mostLookups}`)
  return { lookups: isWhole ? all : undefined, errors }

  /** A record counts each time that it is included, and is gone through once. */
  function countIn(name: string, path: readonly string[]): number {
    const known = counted.get(name)
    if (known !== undefined) return known
    let count = 0
    for (const step of nodes.get(name)?.steps ?? []) {
      count += 1
      if (!leadsOn(step) || step.name === undefined) continue
      if (step.name === name || path.includes(step.name))
        errors.push(`${name}: ${quoted(step.text)} leads back to ${step.name}, in a circle`)
      else count += countIn(step.name, [...path, name])
    }
    // Includes of includes can be millions.
    const bounded = Math.min(count, 1_000)
    counted.set(name, bounded)
    return bounded
  }
}

function firstSteps({ root, nodes }: Tree): { record: string; step: Step }[] {
  const first: { record: string; step: Step }[] = []
  const visit = (name: string): void => {
    for (const step of nodes.get(name)?.steps ?? []) {
      if (first.length >= mostLookups) return
      first.push({ record: name, step })
      if (leadsOn(step) && step.name !== undefined) visit(step.name)
    }
  }
  visit(root)
  return first
}

function endsOf({ root, nodes }: Tree): { readonly open: string[]; readonly permissive: string[] } {
  const open: string[] = []
  const permissive: string[] = []
  const seen = new Set<string>()
  visit(root, true)
  return { open, permissive }

  /** What an include says of others does not count; who passes in it does. */
  function visit(name: string, isOwn: boolean): void {
    const node = nodes.get(name)
    if (node?.found.kind !== 'found' || seen.has(name)) return
    seen.add(name)
    const { directives, redirect, problems } = node.found.record
    const end = directives.findIndex(({ mechanism }) => mechanism.kind === 'all')
    const all = directives[end]
    const counting = end < 0 ? directives : directives.slice(0, end)
    open.push(
      ...counting.filter(isWide).map(({ text }) => `${name}: ${quoted(text)} lets in large parts of the Internet`),
    )
    if (all?.qualifier === '+') open.push(`${name}: ${quoted(all.text)} lets in everybody`)
    if (all?.qualifier === '?' && isOwn) permissive.push(`${name}: \`?all\` says nothing of others`)
    if (!all && !redirect && problems.length === 0 && isOwn)
      permissive.push(`${name} has no \`all\` at its end, which says nothing of others`)
    for (const step of node.steps)
      if (step.name !== undefined && leadsOn(step) && step.qualifier === '+')
        visit(step.name, isOwn && step.kind === 'redirect')
  }
}

/** It lets in large parts of the Internet. */
export function isWide({ qualifier, mechanism }: Directive): boolean {
  if (qualifier !== '+') return false
  if ('network' in mechanism) return mechanism.bits < (mechanism.network.length === 4 ? widest[4] : widest[16])
  return 'bits4' in mechanism && (mechanism.bits4 < widest[4] || mechanism.bits6 < widest[16])
}

function deprecatedIn({ name, found }: Node): string[] {
  if (found.kind !== 'found') return []
  return found.record.directives
    .filter(({ mechanism }) => mechanism.kind === 'ptr' || ('domain' in mechanism && mechanism.domain?.some(isP)))
    .map(({ text }) => `${name}: ${quoted(text)}`)
}

const isP = (part: string | { readonly letter: string }): boolean => typeof part !== 'string' && part.letter === 'p'
