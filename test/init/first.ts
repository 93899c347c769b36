import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { configurationOf, type Sources } from '../../src/init/index.ts'
import { dotenvSettings } from '../../src/init/dotenv.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'

/** What `init` writes for the settings in this text, and the same as data. */
export interface First {
  readonly file: string
  readonly text: string
  readonly data: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>
}

/** No source at all. */
export const nothing: Sources = {
  settings: [],
  patroni: [],
  haproxy: [],
  vault: [],
  silent: [],
  kubeconfig: undefined,
  caFile: undefined,
}

export const never = new AbortController().signal

/** The file of an application `shop` with these lines. */
export async function envFile(lines: string, app = 'shop'): Promise<string> {
  const folder = tempFolder('mailpath-init-')
  onTestFinished(() => removeFolder(folder))
  const file = path.join(folder, app, '.env')
  await mkdir(path.dirname(file))
  await writeFile(file, lines)
  return file
}

export async function first(lines: string, more: Partial<Sources> = {}): Promise<First> {
  const file = await envFile(lines)
  const text = configurationOf({ ...nothing, settings: [await dotenvSettings(file, never)], ...more }, 'mailpath.yml')
  if (text === undefined) throw new Error('nothing was written')
  return { file, text, data: parse(text) as First['data'] }
}
