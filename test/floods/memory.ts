/** The memory of a process, held down by a cgroup where one can be made. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'

/** A group with a limit of memory; version 1 or 2 of cgroups. */
interface Cage {
  readonly take: (pid: number) => void
  /** The most it had, in bytes, with what the kernel holds for it where that is counted. */
  readonly most: () => number
  readonly remove: () => void
}

const read = (file: string): string => readFileSync(file, 'utf8')
const write = (file: string, text: string | number): void => writeFileSync(file, String(text))

/** A cage of so many bytes; why not, where this machine lets us make none. */
export function makeCage(name: string, bytes: number): Cage | string {
  const [first, second] = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup']
  const isFirst = existsSync(`${first}/memory.limit_in_bytes`)
  if (!isFirst && !existsSync(`${second}/cgroup.controllers`)) return 'there are no cgroups of memory here'
  const folder = `${isFirst ? first : second}/${name}`
  try {
    if (!isFirst && !read(`${second}/cgroup.subtree_control`).includes('memory'))
      write(`${second}/cgroup.subtree_control`, '+memory')
    mkdirSync(folder)
    write(`${folder}/${isFirst ? 'memory.limit_in_bytes' : 'memory.max'}`, bytes)
  } catch (error) {
    return `no cgroup can be made here: ${String(error)}`
  }
  return {
    take: pid => write(`${folder}/cgroup.procs`, pid),
    most: () => {
      const file = `${folder}/${isFirst ? 'memory.max_usage_in_bytes' : 'memory.peak'}`
      return existsSync(file) ? Number(read(file)) : 0
    },
    remove: () => {
      try {
        rmdirSync(folder)
      } catch {
        // Whoever was in it is being taken down still.
      }
    },
  }
}

/** Resident memory in bytes: now, and the most it was. 0 where the process is gone. */
export function residentOf(pid: number): { readonly now: number; readonly most: number } {
  try {
    const text = read(`/proc/${pid}/status`)
    const of = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1_024
    return { now: of('VmRSS'), most: of('VmHWM') }
  } catch {
    return { now: 0, most: 0 }
  }
}
