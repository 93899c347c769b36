import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cgroupsOf, memoryIn, throttledMsIn } from '../../src/core/cgroup.ts'
import { limitsFor, usualLimits } from '../../src/web/limits.ts'
import { connectionsFor, descriptorLimit, neededFor, reservedFor } from '../../src/monitor/descriptors.ts'
import { createSelf, ofCpu, ofDescriptors, ofMemory } from '../../src/monitor/self.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'

describe('connections from outside', () => {
  it('get what the limit leaves beyond the probes, and a few in any case', () => {
    expect(connectionsFor(1_024, 20)).toBe(1_024 - reservedFor(20))
    expect(connectionsFor(1_024, 100)).toBeLessThan(connectionsFor(1_024, 20))
    expect(connectionsFor(64, 20)).toBeGreaterThan(0)
    expect(limitsFor(usualLimits, connectionsFor(Infinity, 20))).toEqual(usualLimits)
    const { maxConnections, maxPerAddress } = limitsFor(usualLimits, 120)
    expect([maxConnections, maxPerAddress]).toEqual([120, 80])
    expect(connectionsFor(neededFor(50), 50)).toBe(connectionsFor(0, 50))
  })

  it.runIf(process.platform === 'linux')('are counted against the soft limit of this process', () => {
    expect(descriptorLimit('Max open files            256                  524288               files     \n')).toBe(
      256,
    )
    expect(descriptorLimit()).toBeGreaterThan(20)
    expect(descriptorLimit('')).toBe(Infinity)
  })
})

/** Files of a control group, by path. */
function groups(files: Readonly<Record<string, string>>): string {
  const root = tempFolder('mailpath-cgroup-')
  onTestFinished(() => removeFolder(root))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
    writeFileSync(path.join(root, file), text)
  }
  return root
}

const mib = 1_048_576

describe('the limits of a container', () => {
  it('are read in version 2, also where they are set further up; what the kernel can give back is not in use', () => {
    const root = groups({
      'a/memory.max': `${256 * mib}\n`,
      'a/memory.current': `${250 * mib}\n`,
      'a/memory.stat': `anon 1\ninactive_file ${50 * mib}\n`,
      'a/b/memory.max': 'max\n',
      'a/b/memory.current': `${10 * mib}\n`,
      'a/b/cpu.stat': 'usage_usec 5\nnr_throttled 7\nthrottled_usec 2500000\n',
    })
    const found = cgroupsOf('0::/a/b\n', root)
    expect(memoryIn(found)).toEqual({ used: 200 * mib, limit: 256 * mib })
    expect(throttledMsIn(found)).toBe(2_500)
  })

  it('are read in version 1', () => {
    const root = groups({
      'memory/memory.limit_in_bytes': `${128 * mib}\n`,
      'memory/memory.usage_in_bytes': `${127 * mib}\n`,
      'memory/memory.stat': `total_inactive_file ${mib}\n`,
      'cpu/cpu.stat': 'nr_periods 3\nnr_throttled 2\nthrottled_time 1500000000\n',
    })
    const found = cgroupsOf('4:memory:/docker/x\n1:cpu,cpuacct:/docker/x\n0::/\n', root)
    expect(memoryIn(found)).toEqual({ used: 126 * mib, limit: 128 * mib })
    expect(throttledMsIn(found)).toBe(1_500)
  })

  it('are none where there are no files, or no limit', () => {
    const root = groups({
      'memory/memory.limit_in_bytes': '9223372036854771712\n',
      'memory/memory.usage_in_bytes': '5\n',
    })
    expect(memoryIn(cgroupsOf('4:memory:/\n', root))).toBeUndefined()
    expect([memoryIn(cgroupsOf('')), throttledMsIn(cgroupsOf(''))]).toEqual([undefined, undefined])
  })
})

describe('the exporter notices of itself', () => {
  const moment = (at: number, waitedMs?: number, throttledMs?: number) => ({
    pressure: { at, waitedMs, someWaitedMs: undefined },
    throttledMs,
  })

  it('that its memory is nearly used up, before it is', () => {
    expect(ofMemory({ used: 235 * mib, limit: 256 * mib }, 'its container')?.text).toMatch(/235 MiB .*256 MiB/)
    expect(ofMemory({ used: 200 * mib, limit: 256 * mib }, 'its container')).toBeUndefined()
  })

  it('that it waited for a CPU, or was held back by its limit', () => {
    expect(ofCpu(moment(0, 0), moment(10_000, 6_000))?.text).toContain('60 %')
    expect(ofCpu(moment(0, 0, 0), moment(10_000, 100, 8_000))?.text).toContain('its CPU limit for 80 %')
    expect(ofCpu(moment(0, 0, 0), moment(10_000, 1_000, 1_000))).toBeUndefined()
    expect(ofCpu(moment(0), moment(10_000))).toBeUndefined()
  })

  it('that few descriptors are left', () => {
    expect(ofDescriptors(250, 256)?.resource).toBe('file_descriptors')
    expect([ofDescriptors(100, 256), ofDescriptors(undefined, 256), ofDescriptors(100, Infinity)]).toEqual(
      Array(3).fill(undefined),
    )
  })

  it('nothing while it has enough', () => {
    expect(
      createSelf()
        .own()
        .filter(({ resource }) => resource !== 'cpu'),
    ).toEqual([])
  })
})
