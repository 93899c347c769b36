import { join } from 'node:path'
import { kernelText } from './kernel-text.ts'

/** The control groups of this process by controller. A container sees its own group as the root. */
interface Cgroups {
  /** Folders with the files of version 2, its own first and then those above it. The same for version 1. */
  readonly unified: readonly string[]
  readonly memory: readonly string[]
  readonly cpu: readonly string[]
}

/** Bytes. */
export interface Memory {
  readonly used: number
  readonly limit: number
}

/**
 * Parses /proc/self/cgroup. https://docs.kernel.org/admin-guide/cgroup-v2.html and
 * https://docs.kernel.org/admin-guide/cgroup-v1/
 */
export function cgroupsOf(text: string, root = '/sys/fs/cgroup'): Cgroups {
  const lines = text.split('\n').flatMap(line => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    return controllers === undefined || path === undefined ? [] : [{ controllers: controllers.split(','), path }]
  })
  const folders = (controller: string, base: string): readonly string[] => {
    const found = lines.find(({ controllers }) => controllers.includes(controller))
    return found ? upwards(found.path).map(path => join(root, base, path)) : []
  }
  return { unified: folders('', ''), memory: folders('memory', 'memory'), cpu: folders('cpu', 'cpu') }
}

function upwards(path: string): readonly string[] {
  if (path === '/') return ['/']
  return [path, ...upwards(path.slice(0, path.lastIndexOf('/')) || '/')]
}

/**
 * The memory limit that is nearest, and the usage without what the kernel can free at once; undefined without a limit.
 */
export function memoryIn({ unified, memory }: Cgroups): Memory | undefined {
  const all = [
    ...unified.map(folder => of(folder, 'memory.current', 'memory.max', 'inactive_file')),
    ...memory.map(folder => of(folder, 'memory.usage_in_bytes', 'memory.limit_in_bytes', 'total_inactive_file')),
  ].flatMap(one => one ?? [])
  return all.sort((a, b) => b.used / b.limit - a.used / a.limit)[0]
}

/** Version 1 writes "no limit" as a number larger than any memory. */
const noLimit = 2 ** 53

function of(folder: string, usage: string, limitFile: string, cache: string): Memory | undefined {
  const limit = Number(kernelText(join(folder, limitFile)).trim() || NaN)
  const used = Number(kernelText(join(folder, usage)).trim() || NaN)
  if (!(limit > 0 && limit < noLimit) || Number.isNaN(used)) return undefined
  return { used: Math.max(0, used - (fieldOf(kernelText(join(folder, 'memory.stat')), cache) ?? 0)), limit }
}

/** How long the CPU quota has held the group back since it was made, in milliseconds; undefined without a quota. */
export function throttledMsIn({ unified, cpu }: Cgroups): number | undefined {
  const all = [
    ...unified.map(folder => [fieldOf(kernelText(join(folder, 'cpu.stat')), 'throttled_usec'), 1e3] as const),
    ...cpu.map(folder => [fieldOf(kernelText(join(folder, 'cpu.stat')), 'throttled_time'), 1e6] as const),
  ].flatMap(([count, perMs]) => (count === undefined ? [] : [count / perMs]))
  return all.length === 0 ? undefined : Math.max(...all)
}

function fieldOf(text: string, field: string): number | undefined {
  const [, value] = new RegExp(`^${field} (\\d+)$`, 'm').exec(text) ?? []
  return value === undefined ? undefined : Number(value)
}
