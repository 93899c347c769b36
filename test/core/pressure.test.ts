import { describe, expect, it } from 'vitest'
import { pressureNow, runQueueWait, stallOf, wasStarved, type Pressure } from '../../src/core/pressure.ts'

const pressure = (at: number, waitedMs?: number, someWaitedMs?: number): Pressure => ({ at, waitedMs, someWaitedMs })

describe('the pressure of the CPU', () => {
  it('is read as the kernel writes it', () => {
    expect(runQueueWait('68706123 753230000 2\n')).toBe(753.23)
    expect(
      stallOf(
        'some avg10=98.89 avg60=96.55 avg300=85.23 total=1008310872\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
      ),
    ).toBe(1_008_310.872)
    expect([runQueueWait(''), stallOf(''), stallOf('full avg10=0.00 total=7\n')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it.runIf(process.platform === 'linux')('is counted by the kernel that runs this, and grows', () => {
    const before = pressureNow()
    const after = pressureNow()
    expect(before.waitedMs).toBeTypeOf('number')
    expect(after.waitedMs).toBeGreaterThanOrEqual(before.waitedMs ?? Infinity)
    expect(after.at).toBeGreaterThanOrEqual(before.at)
  })

  it.each<[string, Pressure, Pressure, boolean]>([
    ['this process waited for a fifth of the time', pressure(0, 0), pressure(5_000, 1_000), true],
    ['this process waited for less', pressure(0, 0), pressure(5_000, 900), false],
    ['others waited for most of it', pressure(0, 0, 0), pressure(5_000, 10, 3_000), true],
    ['others waited for half of it', pressure(0, 0, 0), pressure(5_000, 10, 2_500), false],
    ['the kernel says nothing', pressure(0), pressure(5_000), false],
    ['no time has passed', pressure(0, 0, 0), pressure(0, 10, 10), false],
  ])('%s', (_, before, after, starved) => {
    expect(wasStarved(before, after)).toBe(starved)
  })
})
