import { mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { keepState } from '../../src/cli/state.ts'
import { stateFile } from '../../src/clients/state-file.ts'
import { createLog } from '../../src/core/log.ts'
import type { Check } from '../../src/core/probe.ts'
import { definitionsOf } from '../../src/history/definitions.ts'
import { maxStateBytes } from '../../src/history/state.ts'
import type { Past } from '../../src/history/remember.ts'
import { pastOf, shiftPast, stateText } from '../history/past.ts'
import { after, during, hour, minute, second, type At } from '../history/looks.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'

const down = ['smtp/relay refused', 'write_path/app read_only'] as const
const looks: At[] = [
  ...during(0, hour, { app: 'ok', other: 'ok' }),
  ...during(hour, hour + minute, { app: down, other: 'ok' }),
  ...during(hour + minute, 2 * hour, { app: 'ok', other: 'warn' }),
  [2 * hour, { app: down, other: 'unknown' }],
]
const past = after(looks)
/** The same as if it were just now. */
const recent = (): Past => shiftPast(past, Date.now() - past.at - second)

/** The check that the looks tell of. */
const checkOf = (probe: string, target: string, config: object = {}) =>
  ({ probe, target, config: { name: target, ...config }, needs: [] }) as unknown as Check
const postgres = checkOf('postgres', 'db-1', { host: '10.0.0.1' })
const usual = [postgres, checkOf('smtp', 'relay'), checkOf('write_path', 'app')]

function inFolder(name = 'state.json') {
  const folder = tempFolder('mailpath-state-')
  onTestFinished(() => removeFolder(folder))
  const logged: Record<string, unknown>[] = []
  const log = createLog('info', 'json', line => logged.push(JSON.parse(line) as Record<string, unknown>))
  const file = path.join(folder, name)
  return { folder, file, logged, keep: (checks = usual) => keepState(file, log, () => checks) }
}
const stopped = AbortSignal.abort(new Error('SIGTERM'))

it('tells after a restart what was so before it', async () => {
  const { file, folder, keep, logged } = inFolder()
  const first = await keep()
  expect([first.past, first.state()]).toEqual([undefined, { read: true, written: undefined, writtenAt: undefined }])
  const now = recent()
  await first.run(() => now, stopped)
  expect(first.state()).toMatchObject({ written: true })
  const second = await keep()
  expect(second.past).toEqual({ ...now, until: now.at })
  expect([(await stat(file)).mode & 0o777, await readdir(folder), logged]).toEqual([0o600, ['state.json'], []])
})

it('has in it since when the verdict holds, over a restart, and that nobody looked meanwhile', () => {
  const restarted = after([[2 * hour + 10 * minute, { app: down, other: 'ok' }]], pastOf(stateText(past)))
  expect(restarted.history.mail.get('app')).toEqual(past.history.mail.get('app'))
  const [open, over] = restarted.history.incidents
  expect(open).toMatchObject({ number: 2, unseenMs: 10 * minute })
  expect(over).toEqual(past.history.incidents[1])
})

it.each([
  ['', 'is empty'],
  ['{"version":1', 'is no JSON'],
  ['[]', 'is no state of the exporter: its top level'],
  ['{"version":3}', 'was written by a newer exporter: its version is 3, and this one reads 2'],
  [stateText(past).replace('"at":', '"at":9999'), 'is no state of the exporter: at'],
  [stateText(past).replace('"number":2', '"number":"2"'), 'is no state of the exporter: incidents.0.number'],
  // A date of which no text can be made.
  [
    stateText(past).replace(/"startedAt":\d+/, '"startedAt":9e15'),
    'is no state of the exporter: incidents.0.startedAt',
  ],
  [stateText(past).slice(0, -40), 'is no JSON'],
])('sets aside what it cannot use, says why, and begins anew: %#', async (text, error) => {
  const { file, folder, logged, keep } = inFolder()
  await writeFile(file, text)
  const kept = await keep()
  expect([kept.past, kept.state().read]).toEqual([undefined, false])
  expect(logged).toMatchObject([{ level: 'error', file, error, aside: `${file}.bad` }])
  const now = recent()
  await kept.run(() => now, stopped)
  expect(await readFile(`${file}.bad`, 'utf8')).toBe(text)
  expect(await readdir(folder)).toEqual(['state.json', 'state.json.bad'])
})

it('touches nothing that is no file, or is too large to be its own', async () => {
  const { file, folder, logged, keep } = inFolder()
  await mkdir(file)
  const kept = await keep()
  const now = recent()
  await kept.run(() => now, stopped)
  expect([kept.state(), await readdir(folder)]).toEqual([
    { read: false, written: undefined, writtenAt: undefined },
    ['state.json'],
  ])
  expect(logged).toMatchObject([{ error: 'is a directory, not a file' }])

  const other = inFolder()
  await writeFile(other.file, 'x'.repeat(maxStateBytes + 1))
  expect((await other.keep()).state().read).toBe(false)
  expect(other.logged).toMatchObject([{ error: 'is larger than 16 MiB' }])

  const pipe = inFolder()
  execFileSync('mkfifo', [pipe.file])
  expect((await pipe.keep()).state().read).toBe(false)
})

it('says once that it cannot write, and goes on', async () => {
  const { file, logged, keep } = inFolder('missing/state.json')
  const kept = await keep()
  const now = recent()
  await kept.run(() => now, stopped)
  await kept.run(() => now, stopped)
  expect(kept.state()).toMatchObject({ read: true, written: false })
  expect(logged).toMatchObject([{ level: 'error', file, error: 'there is no such folder' }])
  await mkdir(path.dirname(file))
  await kept.run(() => now, stopped)
  expect([kept.state().written, logged.at(-1)?.['msg']]).toEqual([true, 'the state file can be written again'])
})

it('does not follow a link that somebody has put where it writes', async () => {
  const { file, folder, keep } = inFolder()
  const other = path.join(folder, 'other')
  await writeFile(other, 'of somebody else')
  await symlink(other, `${file}.new`)
  const now = recent()
  await (await keep()).run(() => now, stopped)
  expect(await readFile(other, 'utf8')).toBe('of somebody else')
})

it('keeps its age if the clock was set back since it was written', async () => {
  const { file, logged, keep } = inFolder()
  const ahead = shiftPast(recent(), hour)
  await writeFile(file, stateText(ahead))
  const kept = await keep()
  expect(kept.past?.at).toBeLessThanOrEqual(Date.now())
  const [before, now] = [ahead, kept.past].map(one => (one?.at ?? 0) - (one?.history.mail.get('app')?.at ?? 0))
  expect(now).toBeCloseTo(before ?? -1, 0)
  expect(logged).toMatchObject([{ level: 'warn', file }])
})

it('is read again where it was written by a machine whose clock began in 1970', async () => {
  const { file, logged, keep } = inFolder()
  const now = shiftPast(past, -past.at + minute)
  await writeFile(file, stateText(now, definitionsOf(usual, 'key')))
  expect((await keep()).past).toEqual({ ...now, until: now.at })
  expect(logged).toEqual([])
})

it('is whole at any time, also if two processes write it, and they say so', async () => {
  const { file } = inFolder()
  const texts = [stateText(recent()), stateText(shiftPast(recent(), -minute))]
  const errors = new Set<string>()
  const writer = async (text: (typeof texts)[number]): Promise<void> => {
    const own = stateFile(file, maxStateBytes)
    for (let i = 0; i < 60; i++)
      await own.write(text).catch((error: unknown) => errors.add(error instanceof Error ? error.message : ''))
  }
  let isOver = false
  const reader = async (): Promise<void> => {
    while (!isOver) {
      const text = await stateFile(file, maxStateBytes).read()
      if (text !== undefined) expect(texts).toContain(text)
    }
  }
  const reading = reader()
  await Promise.all(texts.map(writer))
  isOver = true
  await reading
  for (const error of errors) expect(error).toMatch(/^another process writes it too|^there is no such folder/)
})

it('stays within its bound: uptime goes first, the oldest of it', () => {
  const span = (i: number) => ({ from: i * 1000, to: i * 1000 + 500, up: 400, down: 100 })
  const spans = Array.from({ length: 1_440 }, (_, i) => span(past.at / 1000 - 1_440 * 1_800 + i * 1_800))
  const paths = Array.from({ length: 300 }, (_, i) => [`app-${i}`, { past: spans }] as const)
  const text = stateText({ ...past, history: { ...past.history, uptime: new Map(paths) } })
  expect(Buffer.byteLength(text)).toBeLessThan(maxStateBytes)
  const kept = pastOf(text).history
  expect(kept.incidents).toHaveLength(2)
  expect(kept.uptime.get('app-7')?.past.length).toBeGreaterThan(40)
  expect(kept.uptime.get('app-7')?.past.at(-1)).toEqual(spans.at(-1))
})

it('takes nothing of a check that is another one now, and all of one that only has another password', async () => {
  const { file, keep } = inFolder()
  const secret = (value: string) => ({ host: '10.0.0.1', password: { env: 'PGPASSWORD', default: value } })
  const first = await keep([checkOf('postgres', 'db-1', secret('hunter2')), ...usual.slice(1)])
  const now = recent()
  await first.run(() => now, stopped)
  expect(await readFile(file, 'utf8')).not.toContain('hunter2')
  const same = await keep([checkOf('postgres', 'db-1', secret('other')), ...usual.slice(1)])
  expect(same.past?.history.checks).toEqual(now.history.checks)
  const other = await keep([usual[0], checkOf('smtp', 'relay', { host: 'other' }), usual[2]] as Check[])
  expect([...(other.past?.history.checks.keys() ?? [])]).toEqual(['write_path/app'])
  expect([...(other.past?.history.blockers.keys() ?? [])]).toEqual(['app: write_path/app read_only'])
  expect(other.past?.history.incidents).toEqual(now.history.incidents)
})

it('takes from a file of version 1 what needs no definition of a check', async () => {
  const { file, keep, logged } = inFolder()
  const now = recent()
  const { gaps: _, ...old } = JSON.parse(stateText(now)) as Record<string, unknown>
  await writeFile(file, JSON.stringify({ ...old, version: 1 }))
  const kept = await keep()
  expect([kept.state().read, kept.past?.history.checks.size, logged]).toEqual([true, 0, []])
  expect(kept.past?.history.incidents).toEqual(now.history.incidents)
})

it('says that another exporter writes the file, also if they never write at the same time', async () => {
  const { file } = inFolder()
  const [one, other] = [stateFile(file, maxStateBytes), stateFile(file, maxStateBytes)]
  await one.write(stateText(past))
  await expect(other.write(stateText(past))).rejects.toThrow(/^another process writes it too/)
  await other.write(stateText(past))
  await expect(one.write(stateText(past))).rejects.toThrow(/^another process writes it too/)
})

it('refuses a file cut off anywhere, and one that tells of a time after its last look', () => {
  const text = stateText(past)
  for (let end = 0; end < text.length; end++) expect(() => pastOf(text.slice(0, end))).toThrow(/^is (empty|no JSON)$/)
  const late = text.replace(`"endedAt":${past.history.incidents[1]?.endedAt}`, `"endedAt":${past.at + 1}`)
  expect(late).not.toBe(text)
  expect(() => pastOf(late)).toThrow('it tells of a time after its last look')
})
