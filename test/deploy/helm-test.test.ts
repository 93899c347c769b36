import type { IPod } from 'kubernetes-models/v1/Pod'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort, removeFolder, runProcess, startProcess, tempFolder } from '../servers/processes.ts'
import { program } from '../servers/program.ts'
import { helm, isOfTest, relay, template } from './chart.ts'
import { only } from './manifests.ts'

/** What the pod of `helm test` runs, but against this address, and without patience. */
async function run(url: string, seconds: string): Promise<string> {
  const pod = only<IPod>((await template(...relay)).filter(isOfTest), 'Pod')
  const command = pod.spec?.containers[0]?.command ?? []
  expect(command.at(-2)).toBe('http://mine-mailpath-exporter.app.svc:10587')
  const [node, ...args] = [...command.slice(0, -2), url, seconds]
  expect(node).toBe('node')
  return runProcess(process.execPath, args)
}

describe.skipIf(helm === undefined)('helm test', () => {
  it('waits until every check has run, and says what stops mail', async () => {
    const folder = tempFolder('mailpath-helm-test-')
    onTestFinished(() => removeFolder(folder))
    const config = path.join(folder, 'mailpath.yml')
    const settings = `settings: [{ name: app, from: { dotenv: ${folder}/.env }, expect: { SMTP_HOST: mail.example.com } }]`
    await writeFile(config, `${settings}\nmail: [{ name: app, settings: [app] }]\n`)
    await writeFile(path.join(folder, '.env'), 'SMTP_HOST=localhost\n')
    const port = await freePort()
    const address = `127.0.0.1:${port}`
    const flags = ['serve', `--config.file=${config}`, `--web.listen-address=${address}`]
    const exporter = startProcess('mailpath-exporter', process.execPath, [...program, ...flags])
    onTestFinished(() => exporter.stop())
    const said = await run(`http://${address}`, '20')
    expect(said).toContain('is ready. Mail: fail')
    expect(said).toMatch(/^- app: fail: .*SMTP_HOST/m)
  })

  it('fails if nothing answers', async () => {
    const address = `127.0.0.1:${await freePort()}`
    await expect(run(`http://${address}`, '0')).rejects.toThrow(`http://${address} is not ready: connect ECONNREFUSED`)
  })
})
