/** The floor: the least that one could write with the same packages. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { landingSql, ladderSql } from '../../src/probes/write_path/observe.ts'
import { nodeSql } from '../../src/probes/postgres/observe.ts'
import { waitFor } from '../../test/servers/processes.ts'
import { samplesOf, scrapeOnce } from '../measure/scrape.ts'
import { settled, start, type Program, type Subject } from './subject.ts'
import type { Config } from './targets.ts'

export const plain = 'plain'

/** How it is started on that port, with the configuration file of ours; in the same way, too. */
export const plainProgram = (
  folder: string,
  configFile: string,
  port: number,
  env: Readonly<Record<string, string>>,
): Program => ({
  name: plain,
  command: process.execPath,
  args: [fileURLToPath(new URL('plain.cjs', import.meta.url)), configFile, String(port)],
  env: { MALLOC_ARENA_MAX: '1', ...env },
  folder,
})

interface PlainConfig {
  readonly config: Config
  readonly env: Readonly<Record<string, string>>
  readonly folder: string
}

/** What the exporter asks of a node, and says on a write path where a write goes through. */
const statements = {
  postgres: [nodeSql],
  write_path: [landingSql, ...ladderSql({ name: plain }, 5_000).map(([, sql]) => sql)],
}

const looks = (body: string) => samplesOf(body, 'plain_up')

/** Starts it; it listens, and has yet to look. */
export async function launchPlain({ config, env, folder }: PlainConfig): Promise<Subject> {
  const configFile = path.join(folder, 'plain.json')
  await writeFile(configFile, JSON.stringify({ ...config, statements }))
  return start(port => plainProgram(folder, configFile, port, env))
}

/** Starts it and waits until it has looked at every target once. */
export async function startPlain(given: PlainConfig): Promise<Subject> {
  const subject = await launchPlain(given)
  const targets = Object.values(given.config).flatMap((section: Config[keyof Config]) =>
    Array.isArray(section) ? section : [],
  ).length
  const allSeen = async (): Promise<boolean> => looks((await scrapeOnce(subject.url)).body).length === targets
  const until = { timeoutMs: 90_000, everyMs: 200, what: 'plain has looked at every target once' }
  return settled(subject, () => waitFor(allSeen, until))
}

/** Targets whose last look went wrong. */
export const notUp = (body: string): string[] =>
  looks(body).flatMap(({ labels, value }) => (value === 1 ? [] : [labels]))
