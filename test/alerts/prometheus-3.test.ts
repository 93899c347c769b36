/**
 * The rules and their tests in Prometheus 3. PROMTOOL is the path of a promtool of that version. Without it, the installed one
 * sees them with ranges a millisecond shorter: since version 3 a range leaves out what is exactly at its start.
 */
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { needs, runProcess } from '../servers/processes.ts'
import { prometheusInstall } from '../servers/prometheus.ts'
import { alertsFolder, promtool, readRules, readTests } from './rules-file.ts'
import { asTheyAre, runUnitTests, withoutTheStart } from './unit-tests.ts'

const newest = process.env['PROMTOOL']
const tool = newest ?? promtool()
const groups = readRules()

it('a range without its start is a millisecond shorter, in annotations too', () => {
  expect(withoutTheStart({ expr: 'x[130s] or y[1h]', text: '{{ printf "z{job=%q}[2d]" }}' })).toBe(
    String.raw`{"expr":"x[129999ms] or y[3599999ms]","text":"{{ printf \"z{job=%q}[172799999ms]\" }}"}`,
  )
})

describe.skipIf(!needs('promtool', tool, prometheusInstall))(
  newest === undefined ? 'with ranges without their start' : 'with the promtool of PROMTOOL',
  { tags: 'slow' },
  () => {
    it('are valid', async () => {
      const file = path.join(alertsFolder, 'mailpath.rules.yml')
      expect(await runProcess(tool ?? '', ['check', 'rules', '--lint=all', '--lint-fatal', file])).toContain('SUCCESS')
    })

    it.concurrent.each([...readTests()])('%s passes', { tags: 'slow', timeout: 600_000 }, async (_, content) => {
      const written = newest === undefined ? withoutTheStart : asTheyAre
      expect(await runUnitTests(tool ?? '', groups, content, written)).not.toContain('FAILED')
    })
  },
)
