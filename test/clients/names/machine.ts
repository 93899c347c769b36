import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { addressesOf } from '../../../src/clients/names/index.ts'
import { thisMachine, type Machine } from '../../../src/clients/names/machine.ts'
import { codeOf, describeError } from '../../../src/core/errors.ts'
import { startDnsDouble, type DnsDouble, type DnsRow } from '../../servers/dns-double.ts'
import { removeFolder, tempFolder } from '../../servers/processes.ts'

export interface Files {
  readonly hosts?: string
  readonly resolvConf?: string
  readonly nsswitch?: string
  readonly gaiConf?: string
}

/** A machine of these files, for one test. Its name servers are at the port given. */
export function machineOf(files: Files, more: Partial<Machine> = {}): Machine & { write: (files: Files) => void } {
  const folder = tempFolder('mailpath-names-')
  onTestFinished(() => removeFolder(folder))
  const at = (name: string): string => path.join(folder, name)
  const write = (texts: Files): void => {
    for (const [name, text] of Object.entries(texts) as [string, string][]) writeFileSync(at(name), text)
  }
  write(files)
  const paths = { hosts: at('hosts'), resolvConf: at('resolvConf'), nsswitch: at('nsswitch'), gaiConf: at('gaiConf') }
  return { ...thisMachine, byFiles: true, ...paths, ...more, write }
}

/** A name server for one test. */
export async function nameServer(
  rows: Readonly<Record<string, DnsRow>>,
  at?: { readonly host?: string; readonly port?: number },
): Promise<DnsDouble> {
  const server = await startDnsDouble(rows, at)
  onTestFinished(() => server.close())
  return server
}

/** What is found, or the code and the text of the failure; and the transcript. */
export async function find(
  name: string,
  machine: Machine,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ found: string[]; code: string | undefined; text: string; notes: string }> {
  const notes: string[] = []
  const note = (text: string): void => void notes.push(text)
  try {
    const found = (await addressesOf(name, { signal, note, machine })).map(({ address }) => address)
    return { found, code: undefined, text: '', notes: notes.join('\n') }
  } catch (error) {
    return { found: [], code: codeOf(error), text: describeError(error), notes: notes.join('\n') }
  }
}
