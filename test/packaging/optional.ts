import { have } from '../servers/processes.ts'

const told = new Set<string>()

/** Where a tool is that not even CI has to have; without it, its tests are skipped with a line that says so. */
export function optional(tool: string, howToInstall: string): string | undefined {
  const found = have(tool)
  if (found === undefined && !told.has(tool)) console.warn(`${tool} is not installed (${howToInstall}): skipped`)
  told.add(tool)
  return found
}
