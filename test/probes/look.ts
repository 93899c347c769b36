import { run, type Ran } from '../../src/monitor/run.ts'
import type { References } from '../../src/monitor/look.ts'
import type { Probe, Target } from '../../src/core/probe.ts'

export interface LookOptions {
  /** Total time of the run. Default: 5000. */
  timeoutMs?: number
  /** Default: 15000. */
  intervalMs?: number
  /** What the references of the target yield. Default: none of them can be resolved. */
  references?: Partial<References>
  /** Ends the run as a shutdown does. */
  stop?: AbortSignal
}

/** Runs a probe once on a target, through the daemon's own `run`; undefined when `stop` cut it off. */
export async function look<T extends Target, Seen>(
  probe: Probe<T, Seen>,
  target: T,
  { timeoutMs = 5000, intervalMs = 15_000, references = {}, stop = new AbortController().signal }: LookOptions = {},
): Promise<Ran | undefined> {
  const check = { ...probe.bind(target), target: target.name, intervalMs, timeoutMs, needs: [] }
  return run(check, { value: notThere, settings: notThere, apiServer: notThere, login: notThere, ...references }, stop)
}

/** References out of these values, by the name of the environment variable or the path of the file. */
export function values(values: Readonly<Record<string, string>>): Pick<References, 'value'> {
  return {
    value: ({ env, file }) => {
      const name = env ?? file ?? ''
      const value = values[name]
      return value === undefined ? Promise.reject(new Error(`${name} is not there`)) : Promise.resolve(value)
    },
  }
}

export { values as env }

const notThere = () => Promise.reject(new Error('the test gave no such reference'))
