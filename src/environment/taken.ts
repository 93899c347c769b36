import Module from 'node:module'
import { ConfigError } from '../core/errors.ts'
import { keepInspectorClosed } from './inspector.ts'
import { refusal, type Environment } from './refusal.ts'
import { tameSignals } from './signals.ts'

// The first import of main.ts: by the time a library is loaded, there is no variable left that it could obey.

/** What is looked up in `process.env` later, by Node itself. */
const kept = new Set(['TMPDIR', 'NODE_EXTRA_CA_CERTS'])
/** Others are for developers: express would show stacks on pages. */
const fixed = { NODE_ENV: 'production' }

/** Empties `process.env`, and that of the C libraries with it; returns what it was. */
function takeEnvironment(): Environment {
  const whole = Object.freeze({ ...process.env })
  for (const name of Object.keys(whole)) if (!kept.has(name)) Reflect.deleteProperty(process.env, name)
  Object.assign(process.env, fixed)
  // NODE_PATH and HOME have become folders of modules by now.
  const loader: object = Module
  if ('_initPaths' in loader && typeof loader._initPaths === 'function') Reflect.apply(loader._initPaths, loader, [])
  return whole
}

tameSignals()
/** The environment the process was started with: for references, and for what the exporter itself reads. */
export const environment = takeEnvironment()

/** Throws ConfigError, in one line, where the process was started in a way that makes verdicts wrong or shows secrets. */
export function checkStart(): void {
  const fromSource = import.meta.filename.endsWith('.ts')
  // Node has taken the variable away by then.
  const cluster: object = process.getBuiltinModule('node:cluster')
  const lost = 'isWorker' in cluster && cluster.isWorker === true && !process.connected
  const given = lost ? { ...environment, NODE_UNIQUE_ID: 'lost' } : environment
  const problem = refusal({ environment: given, nodeArguments: process.execArgv, fromSource })
  if (problem !== undefined) throw new ConfigError(`mailpath-exporter: ${problem}`)
  if (!fromSource) keepInspectorClosed()
}
