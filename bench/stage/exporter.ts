/** Our exporter as it ships: the build, started as a user starts it. */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { waitFor } from '../../test/servers/processes.ts'
import { samplesOf, scrapeOnce } from '../measure/scrape.ts'
import { settled, start, type Program, type Subject } from './subject.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  version: string
  bin: Record<string, string>
}

export const exporterVersion = manifest.version

/** How it is started on that port, with this configuration file. */
export const exporterProgram = (
  folder: string,
  configFile: string,
  port: number,
  env: Readonly<Record<string, string>> = {},
  node = process.execPath,
): Program => ({
  name: 'mailpath-exporter',
  command: node,
  args: [
    path.join(root, manifest.bin['mailpath-exporter'] ?? ''),
    `--config.file=${configFile}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ],
  // As the image and the unit have it.
  env: { MALLOC_ARENA_MAX: '1', ...env },
  folder,
})

interface ExporterConfig {
  /** The configuration; JSON is YAML. */
  readonly config: object
  readonly env: Readonly<Record<string, string>>
  readonly folder: string
  /** The binary of another Node.js. */
  readonly node?: string | undefined
}

/** Starts it; it listens, and its checks have yet to run. */
export async function launchExporter({ config, env, folder, node }: ExporterConfig): Promise<Subject> {
  const configFile = path.join(folder, 'mailpath.yml')
  await writeFile(configFile, JSON.stringify(config))
  return start(port => exporterProgram(folder, configFile, port, env, node))
}

/** Until every check has run once. */
export async function untilReady({ url }: Subject, timeoutMs: number): Promise<void> {
  const ready = url.replace('/metrics', '/-/ready')
  const isReady = async (): Promise<boolean> => (await scrapeOnce(ready)).status === 200
  await waitFor(isReady, { timeoutMs, everyMs: 200, what: 'every check has run once' })
}

/** Starts it and waits until every check has run once. */
export async function startExporter(given: ExporterConfig): Promise<Subject> {
  const subject = await launchExporter(given)
  return settled(subject, () => untilReady(subject, 90_000))
}

/** Runs so far, by check. */
export function runsByCheck(body: string): Map<string, number> {
  return new Map(samplesOf(body, 'mailpath_check_runs_total').map(({ labels, value }) => [labels, value]))
}

/** Checks that are not ok: what is measured should be work, not failure. */
export const notOk = (body: string): string[] =>
  samplesOf(body, 'mailpath_check_verdict').flatMap(({ labels, value }) =>
    value === 0 && labels.includes('verdict="ok"') ? [labels] : [],
  )
