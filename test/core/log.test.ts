import { expect, it } from 'vitest'
import { createLog, logFormats, logLevels, type LogFormat, type LogLevel } from '../../src/core/log.ts'

function lines(level: LogLevel, format: LogFormat): string[] {
  const written: string[] = []
  const log = createLog(level, format, line => written.push(line))
  for (const name of logLevels)
    log[name]({ probe: 'smtp', from: undefined, tries: 3, why: { code: 535 } }, `it ${name}s`)
  return written
}

it('writes a line of JSON for machines: time, level by name, fields, message', () => {
  const [first, ...rest] = lines('warn', 'json').map(line => JSON.parse(line) as Record<string, unknown>)
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string
  expect(first).toEqual({ level: 'warn', time, probe: 'smtp', tries: 3, why: { code: 535 }, msg: 'it warns' })
  expect(rest).toHaveLength(1)
})

it('writes a line of text for people', () => {
  expect(lines('error', 'pretty').map(line => line.replace(/^\S+/, 'TIME'))).toEqual([
    'TIME error it errors probe=smtp tries=3 why={"code":535}\n',
  ])
})

it.each(logFormats)('writes nothing below its level, as %s, and every entry as one line', format => {
  expect(logLevels.map(level => lines(level, format).length)).toEqual([4, 3, 2, 1])
  expect(lines('debug', format).every(line => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true)
})

it('does not break a line over what a message or a field holds, and quotes what has spaces', () => {
  const written: string[] = []
  const log = createLog('info', 'pretty', line => written.push(line))
  log.info({ target: 'backend DATABASE_URL', text: 'a\nb', empty: '' }, 'no\nbreak')
  expect(written.map(line => line.replace(/^\S+/, 'TIME'))).toEqual([
    'TIME info  no break target="backend DATABASE_URL" text="a\\nb" empty=""\n',
  ])
})
