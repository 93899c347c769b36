/** The `docker run` of the README without Docker: its mounts, variables, user and read-only root, around the built program. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StatusJson } from '../../src/report/api.ts'
import { have, isRoot, needs, removeFolder, runProcess, tempFolder } from '../servers/processes.ts'
import { program } from '../servers/program.ts'
import { configOf } from './shell-stage.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')

const [, line = ''] = /^docker run ((?:.*\\\n)*.*)$/m.exec(read('README.md')) ?? []
const words = line.replaceAll('\\\n', ' ').trim().split(/\s+/)
const valuesOf = (flag: string): string[] => words.flatMap((word, i) => (word === flag ? [words[i + 1] ?? ''] : []))
const volumes = valuesOf('-v').map(mount => mount.split(':'))
const mounts = volumes.filter(([from = '']) => /^[./]/.test(from))
/** Named volumes: Docker makes them, with the owner of the folder in the image. */
const kept = volumes.filter(([from = '']) => !/^[./]/.test(from)).map(([, to = '']) => to)

const dockerfile = read('Dockerfile')
const [, uid = ''] = /^USER (\d+):/m.exec(dockerfile) ?? []
const [, ownedByUser = ''] = /^RUN install --directory --owner=(?:\d+) --group=\d+ --mode=700 (\S+)$/m.exec(dockerfile) ?? []
/** What comes behind the name of the image, instead of its CMD. */
const command = words.slice(words.indexOf('mailpath-exporter') + 1).join(' ')

let folder: string
beforeAll(() => {
  folder = tempFolder('mailpath-docker-')
  for (const one of ['opt/app', 'run/secrets', 'root']) mkdirSync(path.join(folder, one), { recursive: true })
  writeFileSync(path.join(folder, 'opt/app/.env'), 'DATABASE_URL=postgres://app:app-password@127.0.0.2:1/app\n')
  writeFileSync(path.join(folder, 'run/secrets/smtp'), 'smtp-password')
  // As it stands in the container, but for addresses at which nothing listens.
  writeFileSync(path.join(folder, 'mailpath.yml'), configOf(''))
})
afterAll(() => removeFolder(folder))

/** What the exporter says in a root of its own that has nothing but the program and these mounts. */
async function statusWith(given: readonly string[][]): Promise<StatusJson> {
  const [main = ''] = program
  const nodeFolder = path.dirname(path.dirname(process.execPath))
  const bind = (from: string, to: string): string =>
    `mkdir -p "$(dirname "$R${to}")"; if [ -d '${from}' ]; then mkdir -p "$R${to}"; else touch "$R${to}"; fi; mount --rbind '${from}' "$R${to}"`
  const script = `set -e
R='${folder}/root'
mount -t tmpfs -o mode=755 tmpfs "$R"
for one in /usr /dev /proc; do ${bind('$one', '$one').replaceAll("'$one'", '"$one"')}; done
for one in /bin /sbin /lib /lib64; do [ ! -e $one ] || ln -s usr$one "$R$one"; done
${valuesOf('--tmpfs')
  .map(to => `mkdir -p "$R${to}"; mount -t tmpfs tmpfs "$R${to}"`)
  .join('\n')}
${bind(nodeFolder, nodeFolder)}
${bind(path.dirname(path.dirname(main)), '/opt/mailpath-exporter')}
${bind(path.join(root, 'node_modules'), path.join(root, 'node_modules'))}
${kept.map(to => `mkdir -p "$R${to}" "$R.kept"; chown ${uid}:${uid} "$R.kept"; mount --bind "$R.kept" "$R${to}"`).join('\n')}
${given.map(([from = '', to = '']) => bind(path.join(folder, from.replace(/^\.\//, '')), to)).join('\n')}
mount -o remount,ro "$R"
ip link set lo up
chroot --userspec=${uid}:${uid} "$R" /usr/bin/env -i NODE_ENV=production ${valuesOf('-e')
    .map(name => `${name}=of-the-shell`)
    .join(' ')} ${process.execPath} /opt/mailpath-exporter/dist/main.js ${command} >/dev/null 2>&1 &
trap "kill $! 2>/dev/null || true" EXIT
until curl -fs -o /dev/null http://127.0.0.1:10587/-/ready; do kill -0 $!; sleep 0.1; done
curl -fs http://127.0.0.1:10587/api/v1/status
kill $!; wait $! || true`
  return JSON.parse(await runProcess('unshare', ['--mount', '--net', 'bash', '-c', script])) as StatusJson
}

const codesOf = (status: StatusJson): string[] =>
  status.checks.flatMap(({ probe, reasons }) => reasons.map(({ code }) => `${probe} ${code}`))

describe.skipIf(!needs('unshare and curl, as root', isRoot() && have('unshare') ? have('curl') : undefined, 'root, apt-get install curl'))(
  'the docker run of the README',
  () => {
    it('gives the program all that the configuration refers to', async () => {
      const status = await statusWith(mounts)
      expect(codesOf(status).filter(code => code.endsWith('_unresolved'))).toEqual([])
      const path = status.checks.find(({ probe }) => probe === 'write_path')
      expect(path?.reasons[0]?.text).toContain('127.0.0.2:1')
    })

    it('keeps what happened in a volume that outlives the container', async () => {
      const first = await statusWith(mounts)
      expect((await statusWith(mounts)).mail_paths.map(({ since }) => since)).toEqual(
        first.mail_paths.map(({ since }) => since),
      )
      expect(first.mail_paths.length).toBeGreaterThan(0)
    })

    it('needs each of its mounts', async () => {
      const [config = []] = mounts
      expect(codesOf(await statusWith([config]))).toEqual(
        expect.arrayContaining(['write_path reference_unresolved', 'smtp smtp_password_unresolved']),
      )
    })
  },
)

it('publishes the port that the image exposes, and can write to nothing but the folder of its state', () => {
  expect(valuesOf('-p')).toEqual([`${/^EXPOSE (\d+)$/m.exec(dockerfile)?.[1] ?? ''}:10587`])
  expect(words).toContain('--read-only')
  expect(kept).toEqual([ownedByUser])
  expect(command).toContain(`--state.file=${ownedByUser}/`)
  const [, usual = ''] = /^CMD \[(.*)\]$/m.exec(dockerfile) ?? []
  expect(command).toContain((JSON.parse(`[${usual}]`) as string[]).join(' '))
  expect(mounts.map(([, , mode]) => mode)).toEqual(mounts.map(() => 'ro'))
})
