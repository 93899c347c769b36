import { setFlagsFromString } from 'node:v8'

/**
 * The space for young objects doubles as soon as it was full of what lives, and is not given back: 12 MB that few checks do
 * not need. The flag that limits it (--max-semi-space-size) cannot be given to a `#!/usr/bin/env node`, and is not heeded
 * later; this one is. With another flag than at its build V8 refuses what was compiled before, of Node's own modules too: so
 * it is set once all is loaded.
 */
export const keepSmall = (): void => setFlagsFromString('--semi-space-growth-factor=1')

/** As it was. */
export const undoKeepSmall = (): void => setFlagsFromString('--semi-space-growth-factor=2')

/** Beyond so many checks there is so much garbage that a small space for it costs more CPU than it saves memory. */
export const fewChecks = 200
