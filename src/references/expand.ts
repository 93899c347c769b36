import type { Settings, Unreadable } from '../core/reference.ts'

/** The values of a `.env` file by name, as dotenv reads them. */
type Values = Readonly<Record<string, string>>

/** What dotenv-expand 12 looks for: `${NAME}`, `${NAME:-default}`, `$NAME`; a backslash before it turns it off. */
const variable = /(?<!\\)\$\{([^{}]+)\}|(?<!\\)\$([A-Za-z_][A-Za-z0-9_]*)/

/** What any release of it takes for a variable: 10 and 13 take `$1` as well. */
const anyVariable = /(?<!\\)\$(?:\{[^}]|[\w.])/

/** Characters read and written in all for one file: far more than files of people need, and a tenth of a second. */
const budget = 8_000_000

/**
 * The values as an application gets them from its loader. `expand` says whether that expands variables; with undefined,
 * a value that depends on it is unreadable.
 * `true` does what dotenv-expand 12 does, within any quotes too, since dotenv removes them before. It is called in two
 * ways (`expand(dotenv.config())`, and as Vite does with an environment of its own). A value is unreadable if the two
 * differ (a variable is set further below), or if it needs a variable that only the application's environment may have.
 * The environment of the exporter is never used.
 * The library itself has no bounds: `A=x${B}`, `B=y${B}` never ends, thirty lines that each double the one before need
 * all memory, and many variables in one value take quadratic time.
 */
export function expanded(values: Values, expand: boolean | undefined): Settings {
  if (expand === false || !Object.values(values).some(value => value.includes('$'))) return values
  if (expand === undefined) return mapped(values, value => ifPlain(value, values))
  const work = { left: budget }
  const byConfig = expandAll(values, values, work)
  const alone = expandAll(values, {}, work)
  return mapped(values, (_, name) => {
    const [one, other] = [byConfig[name], alone[name]]
    if (typeof one !== 'string') return one ?? ''
    if (typeof other !== 'string') return other ?? ''
    return one === other
      ? one
      : { why: 'is expanded in different ways by different loaders: write it without variables' }
  })
}

const mapped = <T>(values: Values, to: (value: string, name: string) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, to(value, name)]))

function ifPlain(value: string, values: Values): string | Unreadable {
  const found = anyVariable.test(value) ? (shown(value, values) ?? 'a $ that would be expanded') : undefined
  const what = found ?? (value.includes('\\$') ? 'a $ with a backslash before it' : undefined)
  if (what === undefined) return value
  const why = `holds ${what}: set \`expand: true\` if the application's loader expands it, \`expand: false\` if it takes it as written`
  return { why }
}

/** The first variable, if it may be shown: without its default, and only a name that is not part of a secret. */
function shown(value: string, values: Values): string | undefined {
  const [template = '', braced, bare = ''] = variable.exec(value) ?? []
  const name = (braced ?? bare).split(/:?[-+]/, 1)[0] ?? ''
  const known = Object.hasOwn(values, name) || (template.startsWith('${') && /^[A-Z][A-Z0-9_]*$/.test(name))
  if (name.length > 100) return undefined
  return known ? `\${${name}}` : undefined
}

const tooMuch = 'expands to too much, or without end'

class Unknown extends Error {}

/** Expands as `expand({ parsed, processEnv })` does. */
function expandAll(parsed: Values, processEnv: Values, work: { left: number }): Settings {
  // No object: a variable may be called __proto__.
  const done = new Map<string, string | Unreadable>()
  for (const [name, value] of Object.entries(parsed)) {
    if (!value.includes('$') || work.left < 0) {
      done.set(name, value.includes('$') ? { why: tooMuch } : value)
      continue
    }
    try {
      done.set(name, expandOne(value, { parsed, processEnv, done }, work))
    } catch (error) {
      if (!(error instanceof Unknown)) throw error
      done.set(name, { why: error.message })
    }
  }
  return Object.fromEntries(done)
}

interface Known {
  readonly parsed: Values
  readonly processEnv: Values
  /** The results of the lines above. */
  readonly done: ReadonlyMap<string, string | Unreadable>
}

function expandOne(text: string, known: Known, work: { left: number }): string {
  const seen = new Set<string>()
  let result = text
  for (let match = variable.exec(result); match; match = variable.exec(result)) {
    // The cost of a step itself.
    spend(work, result.length + 400)
    seen.add(result)
    const [template, braced, bare = ''] = match
    const { name, operator, alternative } = partsOf(braced ?? bare)
    const found = lookUp(name, operator, known, shown(result, known.parsed))
    const replacement = replacementFor({ found, operator, alternative }, seen)
    // A `$` in the replacement may stand for all text around it: String.prototype.replace has such patterns.
    spend(work, replacement.length * (replacement.includes('$') ? result.length : 1))
    result = result.replace(template, replacement)
    if (result === known.done.get(name)) break
  }
  return result.replaceAll('\\$', '$')
}

function partsOf(expression: string): { name: string; operator: string | undefined; alternative: string } {
  const [, name, operator, alternative = ''] = /^(.*?)(:\+|\+|:-|-)(.*)$/s.exec(expression) ?? []
  if (name !== undefined) return { name, operator, alternative }
  // The library splits at null if there is no operator.
  if (expression.includes('null'))
    throw new Unknown('holds a variable with null in its name, which dotenv-expand misreads: give it another name')
  return { name: expression, operator: undefined, alternative: '' }
}

function lookUp(
  name: string,
  operator: string | undefined,
  { processEnv, done, parsed }: Known,
  what = 'a variable',
): string | undefined {
  const value = Object.hasOwn(processEnv, name) ? processEnv[name] : done.get(name)
  if (typeof value === 'object') throw new Unknown(`holds ${what}, and that ${value.why}`.slice(0, 300))
  if (value !== undefined || operator === '-' || operator === ':-') return value
  if (Object.hasOwn(parsed, name))
    throw new Unknown(`holds ${what}, which is set further below: not every loader finds it there; move it up`)
  throw new Unknown(
    `holds ${what}, which is not set in this file: whether the application has it is not known; set it there, or give a default`,
  )
}

function replacementFor(
  {
    found,
    operator,
    alternative,
  }: { readonly found: string | undefined; readonly operator: string | undefined; readonly alternative: string },
  seen: ReadonlySet<string>,
): string {
  if (operator === '+' || operator === ':+') return found ? alternative : ''
  return found && !seen.has(found) ? found : alternative
}

function spend(work: { left: number }, characters: number): void {
  work.left -= characters
  if (work.left < 0) throw new Unknown(tooMuch)
}
