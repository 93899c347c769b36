import { afterEach, expect, test, vi } from 'vitest'
import { canary } from '../../../src/probes/canary/index.ts'
import { targetMark } from '../../../src/probes/canary/mark.ts'
import type { CanarySeen } from '../../../src/probes/canary/seen.ts'
import type { CanaryTarget } from '../../../src/probes/canary/target.ts'
import { row, startHostileImap, type HostileImap } from '../../servers/hostile-imap.ts'
import { look, values } from '../look.ts'

const to = 'canary@example.test'
const ofAnother = `X-Mailpath-Canary: v1 ${'b'.repeat(26)} ${'a'.repeat(13)} ${targetMark(['outside', to])}\r\n\r\n`

const targetAt = ({ port }: HostileImap): CanaryTarget => ({
  name: 'outside',
  from: 'app@example.test',
  to,
  late_after: 100,
  lost_after: 900_000,
  mailbox: { host: '127.0.0.1', port, security: 'none', user: 'canary', password: { env: 'PASSWORD' } },
})

const run = async (target: CanaryTarget): Promise<CanarySeen> =>
  (await look(canary, target, { references: values({ PASSWORD: 'a password' }) }))?.seen as CanarySeen

const deleted = ({ commands }: HostileImap): string[] => commands.filter(one => /STORE|EXPUNGE|MOVE/.test(one))

let server: HostileImap
afterEach(() => server.close())

/** A mail of another exporter that is received at this date, as the server says. */
const withMail = (date: string) =>
  startHostileImap({
    handlers: [
      command => {
        if (!command.startsWith('UID FETCH')) return undefined
        const mail = row(7, ofAnother).replace('01-Jan-2026 00:00:00 +0000', date)
        return `${command.includes('BODY.PEEK[]') ? mail.replace('BODY[HEADER]', 'BODY[]') : mail}\r\nTAG OK done`
      },
    ],
  })

test('the clock of a mailbox is behind: another exporter still gets the time to see its mail', async () => {
  server = await withMail('01-Jan-2026 00:00:00 +0000')
  const target = targetAt(server)
  await run(target)
  await run(target)
  expect(deleted(server)).toEqual([])
  const clock = vi.spyOn(performance, 'now')
  try {
    const now = performance.now()
    const began = process.hrtime.bigint()
    clock.mockImplementation(() => now + 901_000 + Number(process.hrtime.bigint() - began) / 1e6)
    expect((await run(target)).counts.leftoversRemoved).toBe(2)
  } finally {
    clock.mockRestore()
  }
  // In the inbox, and in the junk folder.
  expect(deleted(server).slice(0, 2)).toEqual(['UID STORE 7 +FLAGS.SILENT (\\Deleted)', 'UID EXPUNGE 7'])
})

test('a server that says no UIDNEXT is read all the same', async () => {
  server = await startHostileImap({
    handlers: [
      command =>
        command.startsWith('SELECT') ? '* 1 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\nTAG OK [READ-WRITE] done' : undefined,
    ],
  })
  const { mailbox } = await run(targetAt(server))
  expect(mailbox).toMatchObject({ failure: undefined, readAt: expect.any(Number) as number })
  expect(server.commands.some(one => one.includes('NaN'))).toBe(false)
})
