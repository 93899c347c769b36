/** Where command blocks run: a copy of what they name, an exporter, a Patroni, and no system folder is touched. */
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { startExporter, type Exporter } from '../demo/exporter.ts'
import { startPatroniDouble } from '../servers/patroni-double.ts'
import { freePort, removeFolder, startProcess, tempFolder, waitFor } from '../servers/processes.ts'
import { program } from '../servers/program.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** What takes too long here, and the file that runs it instead. */
export const runElsewhere: Readonly<Record<string, string>> = {
  'npm ci': '.ci/run',
  'npm run build': '.ci/run',
  'npm test': '.ci/run',
  'npm run demo': 'test/demo/demo.test.ts',
}

/** Folders of the system, and of the examples. */
const systemFolders = ['/opt/app', '/etc', '/usr/share', '/var/lib', '/run/secrets']

export interface ShellStage {
  /** Runs a script in a folder of its own, and gives the commands that failed. */
  run(script: string): Promise<{ readonly failed: readonly string[]; readonly printed: string }>
  stop(): Promise<void>
}

/** The configuration of the README, with addresses at which nothing listens. */
export function configOf(folder: string): string {
  const [, yaml = ''] = /```yaml\n(# mailpath\.yml\n.*?)```/s.exec(readFileSync(path.join(root, 'README.md'), 'utf8')) ?? []
  return inStage(yaml, folder)
    .replaceAll('db-1:5432', '127.0.0.1:1')
    .replaceAll('host: mail.example.com, port: 587', 'host: 127.0.0.1, port: 1')
}

const inStage = (text: string, folder: string): string =>
  systemFolders.reduce((changed, one) => changed.replaceAll(new RegExp(`(?<![\\w.])${one}\\b`, 'g'), folder + one), text)

export async function startShellStage(): Promise<ShellStage> {
  const folder = tempFolder('mailpath-docs-')
  const config = path.join(folder, 'mailpath.yml')
  for (const one of [...systemFolders, '/bin', '/runs', '/var/lib/grafana/dashboards/mailpath', '/tmp'])
    mkdirSync(path.join(folder, one), { recursive: true })
  for (const one of ['dashboards', 'datasources'])
    mkdirSync(path.join(folder, 'etc/grafana/provisioning', one), { recursive: true })
  const env = 'DATABASE_URL=postgres://app:app-password@127.0.0.1:1/app\nSMTP_HOST=127.0.0.1\nSMTP_PORT=1\n'
  writeFileSync(path.join(folder, 'opt/app/.env'), env)
  writeFileSync(path.join(folder, 'run/secrets/smtp'), 'smtp-password')
  writeFileSync(config, configOf(folder))
  shims(path.join(folder, 'bin'))

  const patroni = await startPatroniDouble()
  patroni.members.forEach((member, i) =>
    Object.assign(member, { host: `127.0.0.${i + 1}`, port: 1, api_url: `http://127.0.0.${i + 1}:1/patroni` }),
  )
  const environment = { ...process.env, PG_PASSWORD: 'pg-password', PATH: `${folder}/bin:${process.env['PATH'] ?? ''}` }
  const exporter = await startExporter({ configFile: config, folder, port: await freePort(), env: environment })
  await waitFor(async () => (await fetch(`${exporter.url}/-/ready`)).ok, { what: 'the exporter is ready', timeoutMs: 30_000 })
  let runs = 0
  return {
    async run(script) {
      const cwd = path.join(folder, 'runs', String(runs++))
      layOut(cwd, script.includes(' init ') ? undefined : config)
      const text = inStage(script, folder)
        .replaceAll('http://localhost:10587', exporter.url)
        .replaceAll('http://db-1:8008', `http://127.0.0.1:${patroni.port}`)
      return runScript(text, cwd, { ...environment, PORT: String(await freePort()) })
    },
    async stop() {
      await stopAll(exporter, patroni)
      await removeFolder(folder)
    },
  }
}

async function stopAll(exporter: Exporter, patroni: { close(): Promise<void> }): Promise<void> {
  await exporter.stop()
  await patroni.close()
}

/** A checkout that nothing can be changed in, with the built program and a configuration. */
function layOut(cwd: string, config: string | undefined): void {
  mkdirSync(cwd)
  for (const name of readdirSync(root))
    if (name !== 'dist' && !name.startsWith('.')) symlinkSync(path.join(root, name), path.join(cwd, name))
  const [main = ''] = program.slice(-1)
  if (program.length === 1) symlinkSync(path.dirname(main), path.join(cwd, 'dist'))
  if (config !== undefined) writeFileSync(path.join(cwd, 'mailpath.yml'), readFileSync(config))
}

/** Commands that stand for others: what would change the machine, take minutes, or never end. */
function shims(bin: string): void {
  const shim = (name: string, body: string): void => {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${body}\n`)
    chmodSync(path.join(bin, name), 0o755)
  }
  const exporter = [process.execPath, ...program].map(word => `'${word}'`).join(' ')
  shim('sudo', 'exec "$@"')
  const known = Object.keys(runElsewhere).map(command => `'${command}'`)
  shim('npm', `case "npm $*" in ${known.join('|')}) ;; *) echo "no test runs npm $*" >&2; exit 1 ;; esac`)
  shim('npx', `for word; do case $word in test/*) [ -e "$word" ] || exit 1 ;; esac; done`)
  // `serve` does not end: it is enough that it serves.
  shim(
    'mailpath-exporter',
    `case "\${1-}" in check*|init|--help|--version) exec ${exporter} "$@" ;; esac
${exporter} "$@" --web.listen-address=127.0.0.1:$PORT & pid=$!
until curl -fs -o /dev/null http://127.0.0.1:$PORT/-/healthy; do kill -0 $pid || exit 1; done
kill $pid`,
  )
  shim('node', `[ "\${1-}" = dist/main.js ] || exit 1; shift; exec mailpath-exporter "$@"`)
}

/** Every command that fails is noted, and the next one runs, as when somebody types them. */
async function runScript(script: string, cwd: string, env: NodeJS.ProcessEnv): Promise<{ failed: string[]; printed: string }> {
  const notes = path.join(cwd, '.failed')
  const trap = `trap 'printf "%s: %s\\n" "$?" "$BASH_COMMAND" >>.failed' ERR\n`
  const running = startProcess('bash', 'bash', ['-s'], { cwd, env, input: trap + script })
  const code = await waitFor(() => !running.alive(), { timeoutMs: 60_000, what: `the end of ${script}` })
    .then(() => running.exited)
    .finally(() => running.stop('SIGKILL'))
  const printed = running.log()
  if (code === null) throw new Error(`${script} did not end:\n${printed}`)
  const failed = existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n') : []
  return { failed, printed }
}
