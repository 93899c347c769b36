import { execFileSync } from 'node:child_process'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { dead } from './dead.ts'
import type { StatusJson } from '../demo/exporter.ts'
import { freePort, removeFolder, startProcess, tempFolder, waitFor, type RunningProcess } from '../servers/processes.ts'
import { program } from '../servers/program.ts'
import { startSmtp, type Smtp } from '../servers/smtp.ts'

const user = 'postmaster@example.com'

let folder: string
let relay: Smtp
let file: string

beforeAll(async () => {
  folder = tempFolder('mailpath-reload-')
  relay = await startSmtp({ security: 'none', users: { [user]: 'right' } })
})
beforeEach(() => {
  file = path.join(folder, 'mailpath.yml')
})
afterAll(async () => {
  await relay.close()
  await removeFolder(folder)
})

/** A relay for each name, with that password. */
const config = (names: readonly string[], password = 'right'): string =>
  [
    'interval: 1s',
    'timeout: 900ms',
    'smtp:',
    ...names.map(
      name =>
        `  - { name: ${name}, host: 127.0.0.1, port: ${relay.port}, security: none, user: ${user}, password: { env: ${password.toUpperCase()} } }`,
    ),
    'mail: [{ name: app, write_path: [] }]',
    '',
  ].join('\n')

interface Serving {
  readonly url: string
  readonly running: RunningProcess
  readonly status: () => Promise<StatusJson>
  readonly metrics: () => Promise<string>
}

async function serving(...flags: string[]): Promise<Serving> {
  const port = await freePort()
  const args = [...program, `--config.file=${file}`, `--web.listen-address=127.0.0.1:${port}`, ...flags]
  const running = startProcess('mailpath-exporter', process.execPath, args, {
    env: { ...process.env, RIGHT: 'right', WRONG: 'wrong' },
  })
  onTestFinished(() => running.stop())
  const url = `http://127.0.0.1:${port}`
  const status = async () => (await (await fetch(`${url}/api/v1/status`)).json()) as StatusJson
  await waitFor(() => fetch(`${url}/-/ready`).then(({ ok }) => ok), { timeoutMs: 15_000, what: 'every check has run' })
  return { url, running, status, metrics: async () => (await fetch(`${url}/metrics`)).text() }
}

const targetsOf = async ({ status }: Serving): Promise<string[]> =>
  (await status()).checks.filter(({ probe }) => probe === 'smtp').map(({ target }) => target)
const until = (what: string, holds: () => Promise<boolean>) => waitFor(holds, { timeoutMs: 10_000, what })
const reload = async ({ url }: Serving, method = 'POST') => {
  const response = await fetch(`${url}/-/reload`, { method })
  return { code: response.status, text: await response.text() }
}

describe('a reload', () => {
  it('by SIGHUP takes in what is new, and nothing of what is gone is left in a scrape', async () => {
    await writeFile(file, config(['stays', 'goes']))
    const exporter = await serving()
    const runs = (await exporter.status()).checks[0]?.runs ?? 0
    await writeFile(file, config(['stays', 'comes']))
    exporter.running.signal('SIGHUP')
    await until('it is reloaded', async () => (await targetsOf(exporter)).includes('comes'))
    expect(await exporter.metrics()).not.toContain('"goes"')
    expect((await exporter.status()).checks[0]?.runs).toBeGreaterThanOrEqual(runs)
    await until('the new one has run', async () => (await exporter.status()).checks[1]?.verdict === 'ok')
    expect(exporter.running.log()).toMatch(/"kept":2,"started":1,"ended":1,.*"msg":"the configuration was reloaded"/)
  })

  it('by a request changes nothing where the file is bad, and says why, where and what to do', async () => {
    await writeFile(file, config(['stays']))
    const exporter = await serving('--web.enable-lifecycle')
    await writeFile(file, config(['other']).replace('host:', 'hots:'))
    const { code, text } = await reload(exporter)
    expect(code).toBe(500)
    expect(text).toContain(`${file}:4:20: smtp[0]: unknown key hots`)
    expect(await targetsOf(exporter)).toEqual(['stays'])
    const metrics = await exporter.metrics()
    expect(metrics).toContain('mailpath_config_last_reload_successful 0')
    const at = /success_timestamp_seconds (\d\S*)/.exec(metrics)?.[1]
    expect(exporter.running.log()).toContain('unknown key hots')

    await writeFile(file, config(['other']))
    expect(await reload(exporter)).toEqual({ code: 200, text: 'reloaded: 1 checks as before, 1 started, 1 ended\n' })
    expect(await targetsOf(exporter)).toEqual(['other'])
    const after = await exporter.metrics()
    expect(after).toContain('mailpath_config_last_reload_successful 1')
    expect(Number(/success_timestamp_seconds (\d\S*)/.exec(after)?.[1])).toBeGreaterThan(Number(at))
  })

  it('really uses another password', async () => {
    await writeFile(file, config(['relay'], 'wrong'))
    const exporter = await serving('--web.enable-lifecycle')
    expect((await exporter.status()).checks[0]?.reasons[0]?.code).toBe('smtp_auth_failed')
    await writeFile(file, config(['relay'], 'right'))
    expect((await reload(exporter)).code).toBe(200)
    await until('it logs in', async () => (await exporter.status()).checks[0]?.verdict === 'ok')
  })

  it('by a request has to be asked for, and is no GET', async () => {
    await writeFile(file, config(['relay']))
    const [closed, open] = [await serving(), await serving('--web.enable-lifecycle')]
    expect(await reload(closed)).toMatchObject({
      code: 403,
      text: expect.stringContaining('--web.enable-lifecycle') as string,
    })
    expect((await reload(open, 'GET')).code).toBe(405)
  })

  it('of what is as before asks and logs nothing, and is one where many are asked for at once', async () => {
    await writeFile(file, config(['relay']))
    const exporter = await serving('--web.enable-lifecycle')
    const before = await exporter.status()
    const answers = await Promise.all(Array.from({ length: 9 }, () => reload(exporter)))
    for (const answer of answers)
      expect(answer).toEqual({ code: 200, text: 'reloaded: 2 checks as before, 0 started, 0 ended\n' })
    expect(exporter.running.log()).not.toContain('is as before')
    await writeFile(file, 'smtp: []\n')
    expect((await reload(exporter)).code).toBe(500)
    await writeFile(file, config(['relay']))
    await reload(exporter)
    // That a file is good again is news.
    expect(exporter.running.log()).toContain('is as before')
    // Only the text is another: the checks are as before, and no verdict is told again.
    await writeFile(file, `${config(['relay'])}# the same\n`)
    expect((await reload(exporter)).text).toBe('reloaded: 2 checks as before, 0 started, 0 ended\n')
    await until(
      'another run',
      async () => ((await exporter.status()).checks[0]?.runs ?? 0) > (before.checks[0]?.runs ?? 0) + 1,
    )
    expect(exporter.running.log().match(/"target":"relay"/g)).toHaveLength(1)
  })

  it('by a page of another site is refused', async () => {
    await writeFile(file, config(['relay']))
    const { url } = await serving('--web.enable-lifecycle')
    const post = async (headers: Record<string, string>) =>
      (await fetch(`${url}/-/reload`, { method: 'POST', headers })).status
    expect(await post({ Origin: 'http://evil.example' })).toBe(403)
    expect(await post({ Origin: url })).toBe(200)
    expect(await post({})).toBe(200)
  })

  it('holds the one before where the file has become a pipe, a folder, or one of a file system that does not answer', async ({
    skip,
  }) => {
    await writeFile(file, config(['relay']))
    const exporter = await serving('--web.enable-lifecycle')
    await rm(file)
    execFileSync('mkfifo', [file])
    expect(await reload(exporter)).toMatchObject({
      code: 500,
      text: expect.stringContaining('not a regular file') as string,
    })
    await rm(file)
    await mkdir(file)
    expect(await reload(exporter)).toMatchObject({
      code: 500,
      text: expect.stringContaining('is a directory') as string,
    })
    await rm(file, { recursive: true })
    const folderOfNone = await dead(path.join(folder, 'dead'))
    if (folderOfNone === undefined) return skip('needs the right to mount by FUSE')
    await symlink(path.join(folderOfNone, 'mailpath.yml'), file)
    const hanging = reload(exporter).catch(() => undefined)
    await until('the others go on', async () => ((await exporter.status()).checks[0]?.runs ?? 0) > 2)
    exporter.running.signal('SIGTERM')
    const late = sleep(3_000, 'it still runs', { ref: false })
    expect(await Promise.race([exporter.running.exited, late])).not.toBe('it still runs')
    await hanging
  })

  it('comes by itself when a mounted ConfigMap is swapped, once for each content', async () => {
    const mount = path.join(folder, 'mount')
    for (const [version, names] of [
      ['1', ['old']],
      ['2', ['new']],
    ] as const) {
      await mkdir(path.join(mount, `..${version}`), { recursive: true })
      await writeFile(path.join(mount, `..${version}`, 'mailpath.yml'), config(names))
    }
    await symlink('..1', path.join(mount, '..data'))
    file = path.join(mount, 'mailpath.yml')
    await symlink(path.join('..data', 'mailpath.yml'), file)
    const exporter = await serving('--config.enable-auto-reload', '--config.auto-reload-interval=1s')
    expect(await targetsOf(exporter)).toEqual(['old'])
    await symlink('..2', path.join(mount, '..data_tmp'))
    await rename(path.join(mount, '..data_tmp'), path.join(mount, '..data'))
    await until('it has followed', async () => (await targetsOf(exporter)).includes('new'))
    await writeFile(file, 'smtp: [{ name: broken')
    await until('the bad one was refused', async () => (await exporter.metrics()).includes('last_reload_successful 0'))
    expect(await targetsOf(exporter)).toEqual(['new'])
    const runs = async () => (await exporter.status()).checks[0]?.runs ?? 0
    const before = await runs()
    await until('three more rounds', async () => (await runs()) > before + 2)
    expect(exporter.running.log().match(/was not reloaded/g)).toHaveLength(1)
  })
})
