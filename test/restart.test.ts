/** What the exporter remembers over its end, whether it was asked to end or was killed. */
import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { incidentsJson } from '../src/report/incidents.ts'
import type { StatusJson } from '../src/report/api.ts'
import { freePort, removeFolder, startProcess, tempFolder, waitFor, type RunningProcess } from './servers/processes.ts'
import { program } from './servers/program.ts'

type Incidents = ReturnType<typeof incidentsJson>

interface Life {
  readonly running: RunningProcess
  /** The answer of the API once the mail path has that verdict. */
  readonly when: (verdict: string) => Promise<Pick<StatusJson, 'at' | 'mail_paths'>>
  readonly incidents: () => Promise<Incidents['incidents']>
}

/** An application with one setting. A wrong value of it blocks mail. */
async function application() {
  const folder = tempFolder('mailpath-restart-')
  onTestFinished(() => removeFolder(folder))
  const [config, settings, state] = ['mailpath.yml', '.env', 'state.json'].map(name => path.join(folder, name)) as [
    string,
    string,
    string,
  ]
  const setTo = (value: string) => writeFile(settings, `MODE=${value}\n`)
  await writeFile(
    config,
    `interval: 500ms
timeout: 400ms
settings: [{ name: app, from: { dotenv: ${JSON.stringify(settings)} }, expect: { MODE: right } }]
mail: [{ name: shop }]
`,
  )
  const start = async (): Promise<Life> => {
    const at = `127.0.0.1:${await freePort()}`
    const args = [`--config.file=${config}`, `--state.file=${state}`, `--web.listen-address=${at}`]
    const running = startProcess('mailpath-exporter', process.execPath, [...program, ...args])
    onTestFinished(() => running.stop())
    const get = async (url: string): Promise<unknown> => (await fetch(`http://${at}${url}`)).json()
    return {
      running,
      when: verdict =>
        waitFor(
          async () => {
            const status = (await get('/api/v1/status')) as StatusJson
            return status.mail_paths[0]?.verdict === verdict && status
          },
          { timeoutMs: 60_000, what: `mail is ${verdict}` },
        ),
      incidents: async () => ((await get('/incidents?format=json')) as Incidents).incidents,
    }
  }
  return { setTo, start, state }
}

/** Whether the file tells of a time in which nobody looked. */
const tellsGap = async (file: string): Promise<boolean> => /"unseenMs":[1-9]/.test(await readFile(file, 'utf8'))

it('remembers over SIGTERM and SIGKILL since when mail is blocked, and that nobody looked meanwhile', async () => {
  const { setTo, start, state } = await application()
  await setTo('right')
  const first = await start()
  // Nobody looks at a write path.
  await first.when('unknown')
  await setTo('wrong')
  const { mail_paths: before } = await first.when('fail')
  const { since } = before[0] ?? {}
  // It may have failed before somebody looked.
  expect(since?.exact).toBe(false)
  const [began] = await first.incidents()
  expect(began).toMatchObject({ number: 1, ended_at: null, unseen_seconds: 0 })
  first.running.signal('SIGTERM')
  expect(await first.running.exited).toBe(0)
  expect((await stat(state)).mode & 0o777).toBe(0o600)

  const second = await start()
  const again = await second.when('fail')
  expect(again.mail_paths[0]?.since).toEqual(since)
  expect(again.mail_paths[0]?.blockers[0]?.since).toEqual(before[0]?.blockers[0]?.since)
  expect(again.mail_paths[0]?.uptime?.day.unknown_seconds).toBeGreaterThan(86_000)
  const [goesOn, ...others] = await second.incidents()
  expect(others).toEqual([])
  expect(goesOn).toMatchObject({ number: 1, started_at: began?.started_at, ended_at: null })
  expect(goesOn?.unseen_seconds).toBeGreaterThan(0)
  await waitFor(() => tellsGap(state), { timeoutMs: 60_000, what: 'the gap is in the file' })
  second.running.signal('SIGKILL')
  await second.running.exited

  const third = await start()
  expect((await third.when('fail')).mail_paths[0]?.since).toEqual(since)
  const [still] = await third.incidents()
  expect(still?.unseen_seconds).toBeGreaterThan(goesOn?.unseen_seconds ?? Infinity)
  expect(third.running.log()).not.toContain('state file')
}, 120_000)
