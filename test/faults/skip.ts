import { isRoot, needs } from '../servers/processes.ts'

/** For `skip` of a row that needs a server: why it cannot be run here. In CI a missing server is an error. */
export const without = (what: string, found: string | undefined, howToInstall: string): string | undefined =>
  needs(what, found, howToInstall) ? undefined : `${what} is not installed (${howToInstall})`

/** For `skip` of a row that only root can inject. */
export const unlessRoot = (why: string): string | undefined => (isRoot() ? undefined : `needs root: ${why}`)
