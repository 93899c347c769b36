import { expect, it } from 'vitest'
import { createLogLines } from '../../src/core/log-lines.ts'
import { waitFor } from '../servers/processes.ts'

/** A reader that takes at most so many bytes at a time, or none, or refuses them with an error. */
function reader() {
  const state = { takes: Infinity, error: undefined as Error | undefined, calls: 0, text: '' }
  const write = (bytes: Uint8Array): Promise<number> => {
    state.calls++
    const taken = Math.min(bytes.length, state.takes)
    state.text += Buffer.from(bytes.subarray(0, taken)).toString('latin1')
    return state.error && taken === 0 ? Promise.reject(state.error) : Promise.resolve(taken)
  }
  return { state, lines: createLogLines(write, lost => `lost ${lost}\n`) }
}

const longMs = 60_000

it('writes lines in their order, whole, to a reader that takes a few bytes at a time', async () => {
  const { state, lines } = reader()
  state.takes = 3
  const wanted = Array.from({ length: 50 }, (_, n) => `line ${n} ü\n`)
  wanted.forEach(lines.push)
  await lines.flush(longMs)
  expect(Buffer.from(state.text, 'latin1').toString()).toBe(wanted.join(''))
  expect(lines.dropped()).toBe(0)
})

it('keeps at most 1 MiB for one that takes nothing, and says how many lines came too much', async () => {
  const { state, lines } = reader()
  state.takes = 0
  const line = `${'x'.repeat(1_023)}\n`
  for (let n = 0; n < 3_000; n++) lines.push(line)
  expect(lines.dropped()).toBe(3_000 - 1_024)
  await lines.flush(1)
  expect(state.text).toBe('')
  state.takes = Infinity
  await waitFor(() => state.text.includes('lost'), { timeoutMs: 10_000, what: 'it says so' })
  await lines.flush(longMs)
  expect(state.text).toBe(`${line.repeat(1_024)}lost ${3_000 - 1_024}\n`)
})

it('loses what cannot be written, and says so before the next line that can', async () => {
  const { state, lines } = reader()
  Object.assign(state, { takes: 0, error: new Error('ENOSPC') })
  for (const line of ['a\n', 'b\n', 'c\n']) {
    lines.push(line)
    await lines.flush(longMs)
  }
  expect(lines.dropped()).toBe(3)
  Object.assign(state, { takes: Infinity, error: undefined })
  lines.push('d\n')
  lines.push('e\n')
  await lines.flush(longMs)
  expect(state.text).toBe('lost 3\nd\ne\n')
  expect(lines.dropped()).toBe(3)
})

it('begins a new line after one that was torn', async () => {
  const { state, lines } = reader()
  state.takes = 4
  lines.push('abcdefgh\n')
  // Four bytes are taken, and then the disk is full.
  Object.assign(state, { takes: 0, error: new Error('ENOSPC') })
  await lines.flush(longMs)
  expect([state.text, lines.dropped()]).toEqual(['abcd', 1])
  Object.assign(state, { takes: Infinity, error: undefined })
  lines.push('next\n')
  await lines.flush(longMs)
  expect(state.text).toBe('abcd\nlost 1\nnext\n')
})

it('does not try a reader that takes nothing again and again without a pause', async () => {
  const { state, lines } = reader()
  state.takes = 0
  lines.push('a\n')
  await lines.flush(300)
  expect(state.calls).toBeLessThan(20)
})
