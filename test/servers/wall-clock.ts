/** A wall clock that can be set, for a process: libfaketime (Debian: faketime). */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { arch } from 'node:os'
import path from 'node:path'
import { removeFolder, tempFolder } from './processes.ts'

export const faketimeInstall = 'Debian: faketime'

/** The library; undefined if it is not installed. */
export const faketime = [
  `/usr/lib/${arch() === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketime.so.1`,
].find(existsSync)

export interface WallClock {
  /** For the environment of the process. */
  readonly env: Readonly<Record<string, string>>
  /** The file with the offset, which is read again and again. */
  readonly file: string
  /** Seconds from the real time. */
  readonly set: (seconds: number) => Promise<void>
  readonly remove: () => Promise<void>
}

/** A clock that is right until it is set. The clock that only goes forward stays real, as in a kernel. */
export async function startWallClock(): Promise<WallClock> {
  const folder = tempFolder('mailpath-clock-')
  const file = path.join(folder, 'offset')
  const set: WallClock['set'] = seconds => writeFile(file, `${seconds < 0 ? '' : '+'}${seconds}\n`)
  await set(0)
  return {
    env: {
      LD_PRELOAD: faketime ?? '',
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
    file,
    set,
    remove: () => removeFolder(folder),
  }
}
