/** The picture of the README: the status page of the incident, as Chromium shows it, with the texts that are in it. */
import { crc32 } from 'node:zlib'
import { chromium } from 'playwright-core'
import { renderPage } from '../../src/page/page.ts'
import { everything } from '../../src/page/view.ts'
import { incident } from '../status/pages.ts'

/** The first screen. Twice as many pixels would be sharper, and larger than a README should load. */
const size = { width: 1200, height: 760 }

const visibleTexts = `(() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const texts = []
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const range = document.createRange()
    range.selectNodeContents(node)
    const { top, width } = range.getBoundingClientRect()
    const text = node.textContent.trim()
    if (text !== '' && width > 0 && top < innerHeight && node.parentElement.checkVisibility()) texts.push(text)
  }
  return texts.join(' ').replace(/\\s+/g, ' ')
})()`

export interface Screenshot {
  /** With the texts in it. */
  readonly png: Buffer
  /** What can be read on it. */
  readonly texts: string
}

/** Takes the picture with this Chromium. */
export async function takeScreenshot(executablePath: string): Promise<Screenshot> {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync']
  const browser = await chromium.launch({ executablePath, timeout: 30_000, args })
  try {
    const page = await browser.newPage({ viewport: size, colorScheme: 'light' })
    const about = { version: '0.1.0', configFile: '/etc/mailpath/mailpath.yml' }
    await page.setContent(renderPage(incident(), about, { ...everything, refresh: false }))
    const texts = await page.evaluate<string>(visibleTexts)
    return { png: described(await page.screenshot(), texts), texts }
  } finally {
    await browser.close()
  }
}

const signatureBytes = 8
const headerBytes = 25
const keyword = 'Description\0\0\0\0\0'

/** Puts an `iTXt` chunk behind the header: https://www.w3.org/TR/png-3/#11iTXt */
function described(png: Buffer, texts: string): Buffer {
  const typed = Buffer.from(`iTXt${keyword}${texts}`)
  const chunk = Buffer.alloc(typed.length + 8)
  chunk.writeUInt32BE(typed.length - 4)
  typed.copy(chunk, 4)
  chunk.writeUInt32BE(crc32(typed), typed.length + 4)
  const at = signatureBytes + headerBytes
  return Buffer.concat([png.subarray(0, at), chunk, png.subarray(at)])
}

/** The texts in a picture; empty if it has none. */
export function textsIn(png: Buffer): string {
  const at = png.indexOf(`iTXt${keyword}`)
  if (at < 0) return ''
  const from = at + 'iTXt'.length + keyword.length
  return png.subarray(from, at + 4 + png.readUInt32BE(at - 4)).toString()
}
