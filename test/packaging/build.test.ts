import { execFile } from 'node:child_process'
import { copyFile, cp, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { hashSync } from '@node-rs/bcrypt'
import { residentOf } from '../floods/memory.ts'
import { freePort, removeFolder, runProcess, startProcess, tempFolder, waitFor } from '../servers/processes.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

let folder: string
let main: string

/** As it stands in an image: dist, package.json, and what npm installs. */
beforeAll(async () => {
  folder = tempFolder('mailpath-build-')
  await copyFile(path.join(root, 'package.json'), path.join(folder, 'package.json'))
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  const dist = path.join(folder, 'dist')
  const build = ['--import', import.meta.resolve('tsx'), path.join(root, 'build/main.ts'), dist]
  await promisify(execFile)(process.execPath, build)
  main = path.join(dist, 'main.js')
}, 120_000)
afterAll(() => removeFolder(folder))

describe('the build', () => {
  it('finds everything it loads later: the page, a password, and what speaks to each kind of target', async () => {
    const [port, closed] = [await freePort(), await freePort()]
    const webConfig = path.join(folder, 'web.yml')
    await writeFile(webConfig, `basic_auth_users: { a: "${hashSync('b', 4)}" }\n`)
    const config = path.join(folder, 'mailpath.yml')
    const password = { env: 'SECRET' }
    const url = `postgres://a@127.0.0.1:${closed}/a`
    await writeFile(
      config,
      JSON.stringify({
        postgres: [{ name: 'a', cluster: 'a', url, password }],
        write_path: [{ name: 'a', cluster: 'a', url, password }],
        smtp: [{ name: 'a', host: '127.0.0.1', port: closed, user: 'a', password }],
        vault: [{ name: 'a', url: `http://127.0.0.1:${closed}`, token: password }],
      }),
    )
    const args = [`--config.file=${config}`, `--web.config.file=${webConfig}`, `--web.listen-address=127.0.0.1:${port}`]
    const running = startProcess('mailpath-exporter', process.execPath, [main, ...args], { env: { SECRET: 'secret' } })
    onTestFinished(() => running.stop())
    const headers = { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` }
    const ask = (at: string) => fetch(`http://127.0.0.1:${port}${at}`, { headers }).catch(() => undefined)
    await waitFor(async () => (await ask('/-/ready'))?.status === 200, {
      what: 'every check has run',
      timeoutMs: 20_000,
    })
    const page = await (await ask('/'))?.text()
    expect(page).toContain('<html')
    // What is not ASCII is as it is in the source.
    expect(page).toContain(' · critical')
    const reasons = [...running.log().matchAll(/"reason":"(\w+)"/g)].map(([, code]) => code)
    for (const kind of ['postgres', 'write_path', 'smtp', 'vault']) expect(reasons).toContain(`${kind}_unreachable`)
  })

  it('takes a large configuration in by a thread, and says of it what it says of a small one', async () => {
    const port = await freePort()
    const config = path.join(folder, 'large.yml')
    const relays = Array.from({ length: 600 }, (_, i) => `- { name: relay-${i}, host: 127.0.0.1, port: 1 }\n`).join('')
    const write = (smtp: string, more = '') => writeFile(config, `interval: 1h\nsmtp:\n${smtp}${more}`)
    await write('- { name: relay-0, host: 127.0.0.1, port: 1 }\n')
    const args = [`--config.file=${config}`, `--web.listen-address=127.0.0.1:${port}`, '--web.enable-lifecycle']
    const running = startProcess('mailpath-exporter', process.execPath, [main, ...args])
    onTestFinished(() => running.stop())
    const ask = (at: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${at}`, { method })
    await waitFor(async () => (await ask('/-/healthy')).ok, { what: 'it serves', timeoutMs: 20_000 })
    await write(relays, '# '.repeat(10_000))
    const good = await ask('/-/reload', 'POST')
    expect([good.status, await good.text()]).toEqual([200, 'reloaded: 2 checks as before, 599 started, 0 ended\n'])
    // It took the loop 12 s, when each key was compared with all before it.
    await write(relays, Array.from({ length: 20_000 }, (_, i) => `k${i}: 1\n`).join(''))
    const bad = await ask('/-/reload', 'POST')
    expect(bad.status).toBe(500)
    expect(await bad.text()).toContain(`${config}:603:1: unknown key k0; `)
    // It took 280 MiB more, and in a container of 256 MiB the exporter was killed for it.
    await writeFile(config, `smtp: [${'{},'.repeat(130_000)}]`)
    const much = await ask('/-/reload', 'POST')
    expect([much.status, await much.text()]).toEqual([500, expect.stringContaining('takes more than 80 MiB of memory')])
    expect(residentOf(running.pid).most).toBeLessThan(230 * 1_048_576)
  }, 120_000)

  it('starts without the packages that it loads later', async () => {
    const alone = tempFolder('mailpath-alone-')
    onTestFinished(() => removeFolder(alone))
    await cp(path.dirname(main), path.join(alone, 'dist'), { recursive: true })
    const config = path.join(root, 'test/config/example.yml')
    const start = path.join(alone, 'dist/main.js')
    expect(await runProcess(process.execPath, [start, 'check-config', `--config.file=${config}`])).toContain(
      'checks, ok',
    )
  })

  it('comes with the licences of what is in it', async () => {
    const notices = await readFile(path.join(folder, 'dist/THIRD-PARTY.txt'), 'utf8')
    for (const name of ['zod', 'yaml', 'pino', 'prom-client']) expect(notices).toMatch(new RegExp(`^${name} \\d`, 'm'))
    expect(notices).toContain('Permission is hereby granted')
  })
})
