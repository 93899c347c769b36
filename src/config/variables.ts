import type { Problems } from '../yaml/problems.ts'
import { valueAt, type Path } from '../yaml/parse.ts'

/** `${NAME}`, or a whole value that is `$NAME` or `$(NAME)`. */
const variable = /\$\{([^{}]*)\}|^\$([A-Z_][A-Z0-9_]*)$|^\$\(([A-Z_][A-Z0-9_]*)\)$/

/**
 * Finds variables in the values of a configuration. Nothing expands them here: unexpanded they would be taken for a
 * host or a name that does not exist.
 */
export function checkVariables(file: unknown, add: Problems['add']): void {
  const walk = (value: unknown, path: Path): void => {
    if (typeof value === 'string') {
      const [, ...names]: readonly (string | undefined)[] = variable.exec(value) ?? []
      const name = names.find(one => one !== undefined)
      if (name !== undefined && !isMeant(path, file)) add(path, notExpanded(name))
    } else if (Array.isArray(value)) value.forEach((item: unknown, index) => walk(item, [...path, index]))
    else if (typeof value === 'object' && value !== null)
      for (const [key, below] of Object.entries(value)) walk(below, [...path, key])
  }
  walk(file, [])
}

/** The name, only if it is in capitals, and without its default, which may be a secret. */
function notExpanded(expression: string): string {
  const [, name] = /^([A-Z_][A-Z0-9_]{0,99})(?:[:?+-]|$)/.exec(expression) ?? []
  return `holds \${${name ?? '…'}}, and variables are not expanded in this file; write { env: ${name ?? 'NAME'} } where a reference can stand, else the value itself`
}

/**
 * Where such text can be the very thing to look for: in deployed code, and in settings that an application does not
 * expand.
 */
function isMeant([kind, at, key, which, last, ...more]: Path, file: unknown): boolean {
  if (kind === 'packages') return key === 'forbid' && last === 'pattern'
  if (kind !== 'settings' || key !== 'expect' || more.length > 0) return false
  const isExpected = which !== undefined && (last === undefined || last === 'equals' || last === 'default')
  const from = (name: string): unknown => valueAt(file, [kind, at ?? '', 'from', name])
  return isExpected && (from('expand') === false || from('kubernetes') !== undefined)
}
