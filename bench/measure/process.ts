/** What a process takes of the machine, out of /proc. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
import { readFile } from 'node:fs/promises'
import { sum } from './statistics.ts'

/** Clock ticks per second: 100 on every Linux there is (USER_HZ). */
const ticks = 100

/** Fields of /proc/PID/stat after the command, which may have spaces in it; the first is the third of the manual. */
async function statOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  return text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
}

/** CPU seconds of the process so far, user and system, all of its threads. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await statOf(pid)
  return ((stat[11] ?? 0) + (stat[12] ?? 0)) / ticks
}

/** The same with all of its children, those that have ended too: of a postmaster, all of the server. */
export async function cpuSecondsOfTree(pid: number): Promise<number> {
  const alive = (await childrenOf(pid)).map(child => cpuSeconds(child).catch(() => 0))
  const stat = await statOf(pid)
  return (await cpuSeconds(pid)) + ((stat[13] ?? 0) + (stat[14] ?? 0)) / ticks + sum(await Promise.all(alive))
}

/** Resident memory in MB (10^6 bytes). */
export async function residentMegabytes(pid: number): Promise<number> {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  if (kilobytes === undefined) throw new Error(`process ${pid} has no memory: it has ended`)
  return (Number(kilobytes) * 1024) / 1e6
}

/** Processes begun by this one that are alive. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text
    .split(' ')
    .filter(one => one !== '')
    .map(Number)
}
