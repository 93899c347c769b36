import { have, runProcess } from '../servers/processes.ts'

const told = new Set<string>()

/** Where a tool is that not even CI has to have; without it, its tests are skipped with a line that says so. */
export function optional(tool: string, howToInstall: string): string | undefined {
  const found = have(tool)
  if (found === undefined && !told.has(tool)) console.warn(`${tool} is not installed (${howToInstall}): skipped`)
  told.add(tool)
  return found
}

/** Whether strace can trace here; some containers forbid it. */
export async function canTrace(): Promise<boolean> {
  if (!optional('strace', 'apt-get install strace')) return false
  return runProcess('strace', ['-qq', '-o', '/dev/null', 'true']).then(
    () => true,
    () => {
      console.warn('strace may not trace here: skipped')
      return false
    },
  )
}
