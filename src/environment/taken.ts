import Module from 'node:module'
import { ConfigError } from '../core/errors.ts'
import { keepInspectorClosed } from './inspector.ts'
import { refusal, type Environment } from './refusal.ts'
import { tameSignals } from './signals.ts'

// The first import of main.ts. So no library finds a variable that it could obey.

/** Node itself looks these up in `process.env` later. */
const kept = new Set(['TMPDIR', 'NODE_EXTRA_CA_CERTS'])
/** Set because the other values are for developers: express would show stacks on pages. */
const fixed = { NODE_ENV: 'production' }

/** Empties `process.env`, which also clears the environment of C libraries. Returns what it was. */
function takeEnvironment(): Environment {
  const whole = Object.freeze({ ...process.env })
  for (const name of Object.keys(whole)) if (!kept.has(name)) Reflect.deleteProperty(process.env, name)
  Object.assign(process.env, fixed)
  // By now NODE_PATH and HOME have become folders to load modules from.
  const loader: object = Module
  if ('_initPaths' in loader && typeof loader._initPaths === 'function') Reflect.apply(loader._initPaths, loader, [])
  return whole
}

tameSignals()
/** The environment at the start: for references, and for what the exporter itself reads. */
export const environment = takeEnvironment()

/** Throws a ConfigError of one line if the process was started in a way that makes verdicts wrong or shows secrets. */
export function checkStart(): void {
  const fromSource = import.meta.url.endsWith('.ts')
  // Node has removed the variable by then.
  const cluster: object = process.getBuiltinModule('node:cluster')
  const lost = 'isWorker' in cluster && cluster.isWorker === true && !process.connected
  const given = lost ? { ...environment, NODE_UNIQUE_ID: 'lost' } : environment
  const problem = refusal({ environment: given, nodeArguments: process.execArgv, fromSource })
  if (problem !== undefined) throw new ConfigError(`mailpath-exporter: ${problem}`)
  if (!fromSource) keepInspectorClosed()
}
