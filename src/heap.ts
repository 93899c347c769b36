import { setFlagsFromString } from 'node:v8'

/**
 * The space for young objects doubles as soon as it was full of what lives, and is not given back; that for old ones grows
 * to more than twice of what lives before it is looked through. Neither is needed here. The flags that limit the former from
 * the outside cannot be given to a `#!/usr/bin/env node`; these are heeded later too. With another flag than at its build V8
 * refuses what was compiled before, of Node's own modules too: so they are set once all is loaded.
 */
export function keepSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--optimize-for-size')
  // A collection comes once there is 30 % on top of what lives: more often, most of it in other threads.
  setFlagsFromString('--heap-growing-percent=30')
}

/** As it was; the size goes with the flag before it. */
export function undoKeepSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=2')
  setFlagsFromString('--no-optimize-for-size')
  setFlagsFromString('--max-semi-space-size=0')
  setFlagsFromString('--heap-growing-percent=0')
}
