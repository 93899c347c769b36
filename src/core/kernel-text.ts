import { readFileSync } from 'node:fs'

/**
 * A small file of the kernel (below /proc or /sys); empty where there is none, or where it cannot be read now. It is read at
 * once: such a file is in no file system that could hang.
 */
export function kernelText(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    // Another system than Linux, or a kernel without it.
    return ''
  }
}
