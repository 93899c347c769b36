/** The picture of the README shows the page as it is. `-u` takes it again. */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { have, needs } from '../servers/processes.ts'
import { takeScreenshot, textsIn } from './screenshot.ts'

const file = new URL('../../docs/images/status-page.png', import.meta.url)
const binary = process.env['CHROMIUM_BIN'] ?? have('chromium') ?? have('chromium-browser') ?? have('google-chrome')

describe('the picture of the README', () => {
  it('is small enough for a README', () => {
    const { length } = readFileSync(file)
    expect(length).toBeLessThan(200_000)
  })

  it('says the answer, the cause and what to do', () => {
    const texts = textsIn(readFileSync(file))
    for (const text of ['Mail cannot be sent', 'DATABASE_URL', 'Point it at db-postgres-01'])
      expect(texts).toContain(text)
  })

  it.skipIf(!needs('chromium', binary, 'apt-get install chromium'))('shows what the page says now', async () => {
    const { png, texts } = await takeScreenshot(binary ?? '')
    if (expect.getState().snapshotState.snapshotUpdateState === 'all') writeFileSync(file, png)
    expect(textsIn(readFileSync(file))).toBe(texts)
  })
})
