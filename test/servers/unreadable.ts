/** Files that may not be read, by root neither. */
import { chmod, open, rm, symlink } from 'node:fs/promises'
import { isRoot } from './accounts.ts'

/**
 * Mode 0200, which binds root as well: for a sysctl the kernel looks at the mode alone, not at capabilities
 * (test_perm in fs/proc/proc_sysctl.c).
 */
const writeOnly = '/proc/sys/vm/compact_memory'

/** From now on open(2) of the file fails with EACCES, whoever we are. To be undone by removing it. */
export async function makeUnreadable(file: string): Promise<void> {
  if (isRoot()) {
    await rm(file)
    await symlink(writeOnly, file)
  } else await chmod(file, 0)
  const code = await open(file).then(
    handle => handle.close(),
    (error: unknown) => (error as { code?: string }).code,
  )
  if (code !== 'EACCES') throw new Error(`${file} should be unreadable (EACCES), and is not: ${code ?? 'it opens'}`)
}
