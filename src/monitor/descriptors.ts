import { kernelText } from '../core/kernel-text.ts'

/**
 * How many descriptors a check may have open at once: the session of its run and a request to cancel it, one or two lookups
 * of names, a reference that it fetches, and its watch.
 */
const perCheck = 5
/** What the process has open by itself: its output, what it listens on, event loop and threads, files that it reads, sockets of connections that are being refused. */
const ofProcess = 128
/** So many connections are let in however low the limit is: a scraper, a browser, and who else asks whether it lives. */
const fewest = 8

/** Descriptors that are kept for the probes, and for the process itself. */
export const reservedFor = (checks: number): number => ofProcess + perCheck * checks

/** How many descriptors the exporter needs to look at everything and to answer who asks. */
export const neededFor = (checks: number): number => reservedFor(checks) + fewest

/**
 * How many connections from outside may be open at once, in all: what the limit leaves beyond the reserve of the probes, so
 * that connections are refused before a probe has no descriptor left.
 */
export function connectionsFor(descriptors: number, checks: number): number {
  return Math.max(fewest, descriptors - reservedFor(checks))
}

/** The limit of open files of this process; Infinity where the system does not say. Node raises it to the hard limit at its start. */
export function descriptorLimit(limits = kernelText('/proc/self/limits')): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? []
  return soft === undefined ? Infinity : Number(soft)
}
