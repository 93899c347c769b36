import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { docFile, patroniDoc, resultOf, resultsFile, rightShare, type Result } from './doc.ts'
import { at, elected, reason, run, says, writes } from './runs.ts'

const lost = reason('cluster/kb', 'cluster_dcs_lost', { remedy: 'Bring the DCS back.' })
const etcd = run({
  name: 'etcd stopped',
  does: 'The only etcd is stopped for 20 s.',
  marks: [
    { at: at(5), what: 'etcd stopped' },
    { at: at(25), what: 'healed' },
  ],
  expected: {
    phases: [{ from: 'etcd stopped', roots: ['* cluster_dcs_lost'] }],
    told: [{ reason: '* cluster_dcs_lost', before: 'outage' }],
  },
  attempts: writes('fresh haproxy 1', [[15, 30]]),
  truth: [elected(0, 'n1'), elected(15, undefined), elected(29, 'n2')],
  said: [
    says(0, 'ok'),
    says(9, 'warn', undefined, { reasons: [{ ...lost, verdict: 'warn' }] }),
    says(16, 'fail', lost),
    says(31, 'ok'),
  ],
})

describe('docs/patroni.md', () => {
  const doc = patroniDoc([resultOf(etcd)])

  it('has the figures of each scenario in a table', () => {
    expect(doc).toContain('etcd stopped (Patroni 3.0.2)')
    expect(doc).toMatch(
      /\| 15\.2 s, – +\| 0\.0 s +\| 0\.0 s +\| 1\.2 s +\| 1\.2 s +\| 100 % +\| 1, 1 +\| 5\.8 s +\| 0 /u,
    )
  })

  it('has its timeline, by seconds since what was broken', () => {
    expect(doc).toContain(
      [
        '    0.0  > etcd stopped',
        '    4.0    mail warn: cluster_dcs_lost',
        '    9.8  = no commit by fresh sessions for 15.2 s (haproxy)',
        '   10.0  = no node takes writes',
        '   11.0    mail fail: cluster/kb cluster_dcs_lost',
        '   20.0  > healed',
        '   24.0  = n2 takes writes',
        '   26.0    mail ok',
      ].join('\n'),
    )
  })

  it('names what was not kept, and no figure of a run that broke', () => {
    const wrong = resultOf({ ...etcd, said: [says(0, 'ok')] })
    expect(patroniDoc([wrong])).toContain('etcd stopped: false ok for')
    const broken = patroniDoc([{ ...wrong, broken: 'n3 did not come back' }])
    expect(broken).not.toContain('false ok for')
    expect(broken).toContain('n3 did not come back')
  })

  it('counts roots over all scenarios', () => {
    const other = resultOf({ ...etcd, expected: { phases: [] } })
    expect(rightShare([resultOf(etcd), other])).toBeCloseTo(0.5)
    expect(rightShare([])).toBe(1)
  })

  it.runIf(existsSync(resultsFile))('follows from the results that are kept', async () => {
    const results = JSON.parse(readFileSync(resultsFile, 'utf8')) as Result[]
    await expect(patroniDoc(results)).toMatchFileSnapshot(docFile.pathname)
  })
})
