import { kernelText } from '../core/kernel-text.ts'

/**
 * How many descriptors a check may have open at once: the session of its run, a request to cancel it, one or two name
 * look-ups, a reference that it fetches, and its watch.
 */
const perCheck = 5
/** Descriptors of the process itself: output, listeners, event loop, threads, files, and connections that are being refused. */
const ofProcess = 128
/** This many connections are let in even where the limit is too low: a scraper, a browser, a liveness probe. */
const fewest = 8

/** How many descriptors are kept for the probes and the process itself. */
export const reservedFor = (checks: number): number => ofProcess + perCheck * checks

/** How many descriptors the exporter needs to run all checks and to answer requests. */
export const neededFor = (checks: number): number => reservedFor(checks) + fewest

/**
 * How many connections from outside may be open at once: what the limit leaves after the reserve for the probes. So
 * connections are refused before a probe has no descriptor left.
 */
export function connectionsFor(descriptors: number, checks: number): number {
  return Math.max(fewest, descriptors - reservedFor(checks))
}

/** The limit of open files of this process; Infinity where it is not known. Node raises it to the hard limit at its start. */
export function descriptorLimit(limits = kernelText('/proc/self/limits')): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? []
  return soft === undefined ? Infinity : Number(soft)
}
