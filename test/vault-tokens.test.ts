import { appendFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { freePort, waitFor } from './servers/ports.ts'
import { removeFolder, startProcess, tempFolder, type RunningProcess } from './servers/processes.ts'
import { program } from './servers/program.ts'
import { startVaultDouble } from './servers/vault-double.ts'

async function stage() {
  const double = await startVaultDouble({
    token: 'none of ours',
    secrets: { 'secret/data/app': { PASS: 'hunter2' } },
    logins: { approle: { role_id: 'role', secret_id: 'right' } },
  })
  const folder = tempFolder('mailpath-vault-tokens-')
  onTestFinished(async () => {
    await double.close()
    await removeFolder(folder)
  })
  const file = (name: string): string => path.join(folder, name)
  await writeFile(file('role_id'), 'role')
  await writeFile(file('secret_id'), 'right')
  await writeFile(
    file('mailpath.yml'),
    `interval: 2s
timeout: 1900ms
vault:
  - name: vault-01
    url: http://127.0.0.1:${double.port}
    app_role: { role_id: { file: ${file('role_id')} }, secret_id: { file: ${file('secret_id')} } }
    secrets: [{ path: secret/data/app }]
`,
  )
  const start = (command: string, ...args: string[]): RunningProcess => {
    const argv = [...program, command, `--config.file=${file('mailpath.yml')}`, ...args]
    const running = startProcess('mailpath-exporter', process.execPath, argv, {
      env: { ...process.env, TMPDIR: folder },
    })
    onTestFinished(() => running.stop())
    return running
  }
  const serve = async (): Promise<RunningProcess> => {
    const running = start('serve', `--web.listen-address=127.0.0.1:${await freePort()}`)
    await waitFor(() => double.requests.some(({ path }) => path.endsWith('/login')), {
      timeoutMs: 60_000,
      what: 'the first login',
    })
    return running
  }
  const reloads = async (running: RunningProcess, count: number): Promise<void> => {
    for (let time = 1; time <= count; time++) {
      // A file that is as before is not taken again.
      await appendFile(file('mailpath.yml'), `# ${time}\n`)
      running.signal('SIGHUP')
      await waitFor(() => running.log().split('was reloaded').length > time, {
        timeoutMs: 30_000,
        what: 'it was reloaded',
      })
      const before = double.requests.length
      await waitFor(() => double.requests.length > before, { timeoutMs: 30_000, what: 'the next run' })
    }
  }
  return { double, file, start, serve, reloads }
}

it('logs in once over five reloads, and leaves no token behind, nor does check', async () => {
  const { double, start, serve, reloads } = await stage()
  const running = await serve()
  await reloads(running, 5)
  expect(double.granted.logins).toBe(1)
  await start('check', '--only=vault').exited
  expect([double.granted.logins, double.issued.length]).toEqual([2, 1])
  running.signal('SIGTERM')
  expect(await running.exited).toBe(0)
  expect(double.issued).toEqual([])
})

it('does not lock the role, neither by reloads nor by five runs of check', { tags: 'slow' }, async () => {
  const { double, file, start, serve, reloads } = await stage()
  await writeFile(file('secret_id'), 'wrong')
  const running = await serve()
  await reloads(running, 5)
  for (let time = 0; time < 5; time++) {
    const checked = start('check', '--only=vault')
    expect(await checked.exited).toBe(2)
    expect(checked.log().replace(/\s+/g, ' ')).toContain('not tried again for 60 s')
  }
  expect(double.granted.refusals).toBe(1)
})

it('ends in time where Vault does not answer', async () => {
  const { double, serve } = await stage()
  const running = await serve()
  await waitFor(() => double.issued.length === 1, { what: 'the token' })
  double.answer('silent')
  running.signal('SIGTERM')
  expect(await running.exited).toBe(0)
  expect(running.log()).toContain('stopped')
})
