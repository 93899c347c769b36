import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** The variable in which `test/build.ts` tells where it has built the program. */
export const builtIn = 'TESTED_PROGRAM'

/** What Node has to be told to run the source. With a preload of ours only this one runs: the built program refuses it. */
export const source: readonly string[] = [
  '--import',
  createRequire(import.meta.url).resolve('tsx'),
  fileURLToPath(new URL('../../src/main.ts', import.meta.url)),
]

const built = process.env[builtIn]

/** The same for the program: the built one in tests, else the source, since `dist` may be missing or old. */
export const program: readonly string[] = built === undefined ? source : [built]
