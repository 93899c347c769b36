import { readFileSync } from 'node:fs'

/**
 * A small file below /proc or /sys; empty if it is missing or cannot be read. Read synchronously: such a file system
 * cannot hang.
 */
export function kernelText(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    // Not Linux, or a kernel without this file.
    return ''
  }
}
