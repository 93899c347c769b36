import { readdirSync } from 'node:fs'
import { getHeapStatistics } from 'node:v8'
import type { Own } from '../assess/starved.ts'
import { every } from './scheduler.ts'
import { cgroupsOf, memoryIn, throttledMsIn, type Memory } from '../core/cgroup.ts'
import { kernelText } from '../core/kernel-text.ts'
import { ownShareOf, pressureNow, type Pressure } from '../core/pressure.ts'
import { descriptorLimit } from './descriptors.ts'

/** How often the exporter looks at itself. */
const lookMs = 10_000
/** It reports a shortage from these shares on, well before it cannot work any more. */
const memoryShare = 0.9
const cpuShare = 0.5
/** With this few descriptors left it is short of them: a check needs several at once. */
const fewDescriptors = 16

/** What the exporter notices of itself, as of its last look. */
interface Self {
  readonly own: () => readonly Own[]
  /** Looks every ten seconds until `stop` aborts. */
  run(stop: AbortSignal): Promise<void>
}

interface Moment {
  readonly pressure: Pressure
  readonly throttledMs: number | undefined
}

/** Looks at memory and descriptors now. CPU takes a second look. */
export function createSelf(): Self {
  const limit = descriptorLimit()
  const groups = cgroupsOf(kernelText('/proc/self/cgroup'))
  const moment = (): Moment => ({ pressure: pressureNow(), throttledMs: throttledMsIn(groups) })
  let before = moment()
  let found: readonly Own[] = []
  const look = (now: Moment): void => {
    const notices: readonly (Own | undefined)[] = [
      ofDescriptors(openDescriptors(), limit),
      ofMemory(memoryIn(groups), 'its container or unit') ?? ofMemory(heap(), 'the heap of Node'),
      ofCpu(before, now),
    ]
    found = notices.flatMap(one => one ?? [])
    before = now
  }
  look(before)
  return {
    own: () => found,
    run: stop =>
      every(lookMs, lookMs, stop, () => {
        look(moment())
        return Promise.resolve()
      }),
  }
}

/** Undefined where they cannot be counted. */
function openDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return undefined
  }
}

const heap = (): Memory => {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
  return { used, limit }
}

export function ofDescriptors(open: number | undefined, limit: number): Own | undefined {
  if (open === undefined || limit - open > fewDescriptors) return undefined
  return { resource: 'file_descriptors', text: `is short of file descriptors: it has ${open} of ${limit} open` }
}

export function ofMemory(memory: Memory | undefined, whose: string): Own | undefined {
  if (!memory || memory.used < memoryShare * memory.limit) return undefined
  const mib = (bytes: number): number => Math.round(bytes / 1_048_576)
  return {
    resource: 'memory',
    text: `is short of memory: ${mib(memory.used)} MiB are in use, and ${whose} may have ${mib(memory.limit)} MiB`,
  }
}

export function ofCpu(before: Moment, now: Moment): Own | undefined {
  const elapsed = now.pressure.at - before.pressure.at
  const waited = ownShareOf(before.pressure, now.pressure) ?? 0
  const throttled =
    before.throttledMs === undefined || now.throttledMs === undefined || elapsed <= 0
      ? 0
      : (now.throttledMs - before.throttledMs) / elapsed
  const share = Math.max(waited, throttled)
  if (share < cpuShare) return undefined
  const how = throttled > waited ? 'was held back by its CPU limit' : 'waited for a CPU'
  return {
    resource: 'cpu',
    text: `is short of CPU: it ${how} for ${Math.min(100, Math.round(100 * share))} % of the last ${Math.round(elapsed / 1000)} s`,
  }
}
