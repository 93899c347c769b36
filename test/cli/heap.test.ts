import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { smallFlags } from '../../src/cli/heap.ts'

const [young, old] = ['--semi-space-growth-factor=1', '--heap-growing-percent=60']

it('keeps the heap small, but leaves each flag that stands on the command line', () => {
  expect(smallFlags([])).toEqual([young, old])
  expect(smallFlags(['--disable-sigusr1', '--heap-growing-percent=30'])).toEqual([young])
  expect(smallFlags(['--heap_growing_percent=30'])).toEqual([young])
  expect(smallFlags(['--semi-space-growth-factor=2'])).toEqual([old])
})

it('finds the flag where Node puts what stands before the program', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--heap-growing-percent=30',
    '-p',
    'JSON.stringify(process.execArgv)',
  ])
  expect(smallFlags(JSON.parse(stdout) as string[])).toEqual([young])
})
