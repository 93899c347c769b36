/** What is remembered of refused logins, by processes that share a folder, whatever becomes of the file in it. */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { mkdir, mkdtemp, open, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { refusalsFile } from '../../src/clients/refusals-file.ts'
import type { Attempt } from '../../src/core/back-off.ts'
import { backOffText, createVaultBackOff } from '../../src/references/back-off.ts'
import { waitFor } from '../servers/processes.ts'

let base: string
beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), 'mailpath-refusals-'))
})
afterEach(() => rm(base, { recursive: true }))

const folder = (): string => path.join(base, 'state')
const file = (): string => path.join(folder(), 'refused-logins.json')
const process_ = (memory = refusalsFile(folder(), process.getuid?.() ?? 0)) => {
  const logins = createVaultBackOff(memory)
  return {
    async held(attempt: Attempt) {
      const backOff = await logins.current(attempt)
      return backOff && backOffText(backOff)
    },
    async refused(attempt: Attempt, text: string) {
      const { backOff, isKept } = await logins.refused(attempt, { text })
      return backOffText(backOff, isKept)
    },
  }
}
const who = (role: string, secret_id = 'wrong'): Attempt => ({
  account: ['', 'approle', role],
  credentials: { role_id: role, secret_id },
})

it('another process knows of a refusal', async () => {
  await process_().refused(who('app'), 'invalid credentials')
  expect(await process_().held(who('app'))).toContain('invalid credentials; not tried again for 60 s')
  expect(await process_().held(who('app', 'another'))).toBeUndefined()
})

it('each knows its own, though two write at the same time, or the file is lost and written by another', async () => {
  const [one, two] = [process_(), process_()]
  await Promise.all([one.refused(who('first'), 'no'), two.refused(who('second'), 'no')])
  await rm(file())
  await two.refused(who('third'), 'no')
  expect(await one.held(who('first'))).toBeDefined()
  expect(await two.held(who('second'))).toBeDefined()
})

it('does not begin to count at one where the file was lost', async () => {
  const one = process_()
  await one.refused(who('app'), 'no')
  await one.refused(who('app'), 'no')
  await rm(file())
  await process_().refused(who('app'), 'no')
  expect(await one.held(who('app'))).toContain('for 3600 s')
})

it('two hundred roles with long texts are not too many for others to read', async () => {
  const one = process_()
  for (let n = 0; n < 200; n++) await one.refused(who(String(n)), 'x'.repeat(300))
  expect(await process_().held(who('0'))).toBeDefined()
  expect(await process_().held(who('199'))).toBeDefined()
})

it.each([
  ['no JSON', () => writeFile(file(), '{')],
  ['too large', () => writeFile(file(), ' '.repeat(3_000_000))],
  ['a FIFO', () => Promise.resolve(execFileSync('mkfifo', [file()]))],
])('a file that is %s is replaced', async (_, make) => {
  await mkdir(folder(), { mode: 0o700 })
  await make()
  expect(await process_().held(who('app'))).toBeUndefined()
  await process_().refused(who('app'), 'no')
  expect(await process_().held(who('app'))).toBeDefined()
})

it('writes through no link of others', async () => {
  const victim = path.join(base, 'victim')
  await mkdir(folder(), { mode: 0o700 })
  await writeFile(victim, 'precious')
  await symlink(victim, file())
  await process_().refused(who('app'), 'no')
  expect(await readFile(victim, 'utf8')).toBe('precious')
  await rm(folder(), { recursive: true })
  await mkdir(path.join(base, 'theirs'), { mode: 0o700 })
  await symlink(path.join(base, 'theirs'), folder())
  expect(await process_().refused(who('app'), 'no')).toContain('it could not be written to a folder in time')
})

it('does not wait for a disk that hangs, and remembers again when it answers', async () => {
  await process_().refused(who('app'), 'no')
  const memory = refusalsFile(folder(), process.getuid?.() ?? 0)
  const fifo = path.join(base, 'fifo')
  execFileSync('mkfifo', [fifo])
  // Each waits for a writer in one of the four threads that all files are read by.
  const blocked = Array.from({ length: 4 }, () => open(fifo, 'r'))
  const started = process_(memory)
  expect(await started.held(who('app'))).toBeUndefined()
  expect(await started.refused(who('other'), 'no')).toContain('no later run can know of this')
  expect(await started.held(who('other'))).toBeDefined()
  const writer = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK)
  for (const one of await Promise.all(blocked)) await one.close()
  closeSync(writer)
  await waitFor(async () => (await memory.read()) !== undefined, { timeoutMs: 20_000, what: 'it remembers again' })
  expect(await started.held(who('app'))).toBeDefined()
})

it.skipIf(process.getuid?.() !== 0)('leaves nothing on a full disk', async () => {
  await mkdir(folder(), { mode: 0o700 })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k,mode=0700', 'none', folder()], { stdio: 'ignore' })
  } catch {
    // Some containers do not let root mount anything.
    return
  }
  try {
    await writeFile(path.join(folder(), 'filler'), Buffer.alloc(12_288))
    const text = 'x'.repeat(900)
    for (let n = 0; n < 20; n++) await process_().refused(who(String(n)), text)
    expect(await process_().refused(who('last'), text)).toContain('no later run can know of this')
    expect((await readdir(folder())).sort()).toEqual(['filler', 'refused-logins.json'])
    expect(await process_().held(who('0'))).toBeDefined()
  } finally {
    execFileSync('umount', [folder()])
  }
})
