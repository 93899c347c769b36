/** The state file where the file system or somebody else is against it: said in plain words, and nothing false is shown. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, readFile, readdir, writeFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { keepState } from '../../src/cli/state.ts'
import { createLog } from '../../src/core/log.ts'
import { json } from '../../src/core/shown.ts'
import { keptIn } from '../../src/history/state.ts'
import { shiftPast, stateText } from '../history/past.ts'
import { renderIncidents } from '../../src/page/incidents.ts'
import { incidentsJson, incidentsMarkdown } from '../../src/report/incidents.ts'
import { after, during, hour, minute, second } from '../history/looks.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import { night, statusAfter } from '../status/night.ts'

const past = after([
  ...during(0, hour, { app: 'ok' }),
  ...during(hour, hour + minute, { app: ['smtp/relay refused', 'write_path/app read_only'] }),
  [hour + minute, { app: 'ok' }],
])
const recent = shiftPast(past, Date.now() - past.at - second)
const stopped = AbortSignal.abort(new Error('SIGTERM'))

function inFolder() {
  const folder = tempFolder('mailpath-state-')
  onTestFinished(() => removeFolder(folder))
  const logged: Record<string, unknown>[] = []
  const log = createLog('info', 'json', line => logged.push(JSON.parse(line) as Record<string, unknown>))
  const file = path.join(folder, 'state.json')
  return { folder, file, logged, keep: () => keepState(file, log, () => []) }
}

const mayMount = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0
if (!mayMount) console.warn('nothing can be mounted (needs root): read-only and full file systems are skipped')
function mounted(folder: string, options: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', folder])
  onTestFinished(() => void execFileSync('umount', [folder]))
}

describe.skipIf(!mayMount)('a file system', () => {
  it('that is read-only: says once what to do, and goes on', async () => {
    const { folder, file, logged, keep } = inFolder()
    mounted(folder, 'size=64k,ro')
    const kept = await keep()
    for (const _ of [1, 2]) await kept.run(() => recent, stopped)
    expect(kept.state()).toMatchObject({ read: true, written: false, writtenAt: undefined })
    const error = 'the file system is read-only: mount a volume for the folder'
    expect(logged).toMatchObject([{ level: 'error', file, error, msg: 'the state file was not written' }])
  })

  it('that is read-only, with a file that is not good: leaves it, and says both', async () => {
    const { folder, file, logged, keep } = inFolder()
    mounted(folder, 'size=64k')
    await writeFile(file, '{}')
    execFileSync('mount', ['-o', 'remount,ro', folder])
    const kept = await keep()
    await kept.run(() => recent, stopped)
    expect(kept.state()).toMatchObject({ read: false, written: undefined })
    expect(logged).toMatchObject([
      { error: 'is no state of the exporter: version', aside: expect.stringContaining('read-only') as string },
    ])
  })

  it('that is full: keeps the old file whole, leaves nothing, and writes again once there is room', async () => {
    const { folder, file, logged, keep } = inFolder()
    mounted(folder, 'size=64k')
    const kept = await keep()
    await kept.run(() => recent, stopped)
    const before = await readFile(file, 'utf8')
    const filler = path.join(folder, 'filler')
    await writeFile(filler, Buffer.alloc(65_536)).catch(() => undefined)
    await kept.run(() => recent, stopped)
    expect([await readFile(file, 'utf8'), await readdir(folder)]).toEqual([before, ['filler', 'state.json']])
    expect(kept.state().written).toBe(false)
    expect(logged).toMatchObject([{ level: 'error', file, error: 'there is no space left (ENOSPC)' }])
    await rm(filler)
    await kept.run(() => recent, stopped)
    expect([kept.state().written, logged.at(-1)?.['msg']]).toEqual([true, 'the state file can be written again'])
    expect((await keep()).past?.history.incidents).toEqual(recent.history.incidents)
  })
})

it('that is a folder where the new file would be: says so, and keeps the old file', async () => {
  const { file, logged, keep } = inFolder()
  await mkdir(`${file}.new`)
  const kept = await keep()
  await kept.run(() => recent, stopped)
  expect(kept.state().written).toBe(false)
  expect(logged).toMatchObject([{ level: 'error', error: expect.stringMatching(/^cannot be written \(/) as string }])
})

const whole = stateText(past)
const state = (): Record<string, unknown> => JSON.parse(whole) as Record<string, unknown>
describe('a value of the wrong kind is refused by its place', () => {
  const wrong = [null, true, -1, 'x', [], [null], { app: null }, 1e300]
  it.each(Object.keys(state()))('%s', key => {
    for (const value of wrong) {
      const text = JSON.stringify({ ...state(), [key]: value })
      // An empty list is one.
      if (Array.isArray(value) && value.length === 0 && Array.isArray(state()[key])) continue
      expect(() => keptIn(text), text.slice(0, 200)).toThrow(/^(is no state of the exporter: |was written by a newer)/)
    }
  })
})

it('of the far future has no time ahead of now, in any of its moments', async () => {
  const { file, logged, keep } = inFolder()
  const far = Date.parse('9999-12-31T00:00:00Z') - past.at
  await writeFile(file, stateText(shiftPast(past, far)))
  const kept = await keep()
  const [incident] = kept.past?.history.incidents ?? []
  expect(incident && [incident.startedAt, incident.endedAt].every(at => at !== undefined && at <= Date.now())).toBe(
    true,
  )
  expect((incident?.endedAt ?? 0) - (incident?.startedAt ?? 0)).toBe(
    (past.history.incidents[0]?.endedAt ?? 0) - (past.history.incidents[0]?.startedAt ?? 0),
  )
  expect(logged).toMatchObject([{ level: 'warn', file }])
})

it('with hostile texts shows them as text: no control, no markup, no turned direction', () => {
  const hostile = '\u001b[31m<script>alert(1)</script>\u202e\u2066![x](http://evil.example/)\n# Healed\n| all | ok |'
  const quoted = JSON.stringify(hostile).slice(1, -1)
  const text = whole
    .replaceAll('"app"', `"${quoted}"`)
    .replaceAll(/"(target|text)":"[^"]*"/g, (_, key: string) => `"${key}":"${quoted}"`)
  const { incidents } = keptIn(text).past.history
  expect(incidents[0]?.roots[0]?.text).toBe(hostile)
  const status = statusAfter(night)
  const page = renderIncidents(status, incidents)
  const markdown = incidentsMarkdown(status, incidents)
  for (const output of [page, markdown, json(incidentsJson(status, incidents))]) {
    expect(output).toContain('alert(1)')

    expect(output).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
  }
  expect(page).not.toContain('<script>alert')
  expect(markdown).not.toMatch(/^# Healed|^\| all \|/m)
  const outsideCode = markdown.replace(/(`+)[^\n]*?\1/g, '')
  expect(outsideCode).not.toContain('](http://evil')
  expect(outsideCode).not.toContain('<script')
})
