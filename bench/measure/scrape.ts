/** Scrapes as Prometheus does them: one connection, kept open. */
import http from 'node:http'

/** One scraped body. */
export interface Scraped {
  readonly status: number
  readonly body: string
  readonly milliseconds: number
}

export interface Scraper {
  /** Rejects when there is no whole answer within the time. */
  scrape: (timeoutMs?: number) => Promise<Scraped>
  close: () => void
}

export function createScraper(url: string): Scraper {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  return { scrape: (timeoutMs = 30_000) => get(url, agent, timeoutMs), close: () => agent.destroy() }
}

/** Scrapes once, on a connection of its own. */
export const scrapeOnce = (url: string, timeoutMs = 30_000): Promise<Scraped> => get(url, false, timeoutMs)

function get(url: string, agent: http.Agent | false, timeoutMs: number): Promise<Scraped> {
  const from = performance.now()
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent, signal: AbortSignal.timeout(timeoutMs) }, response => {
      const chunks: Buffer[] = []
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          milliseconds: performance.now() - from,
        }),
      )
    })
    request.on('error', reject)
  })
}

/** However slow it is, measuring it comes to an end. */
const limitMs = 30_000

/**
 * Scrapes `count` times, one after the other with a pause between, but for half a minute at most. Returns how long each
 * took, in milliseconds.
 */
export async function scrapeTimes(url: string, count: number, pauseMs = 0): Promise<number[]> {
  const scraper = createScraper(url)
  const times: number[] = []
  const from = performance.now()
  try {
    while (times.length < count && performance.now() - from < limitMs) {
      const { status, milliseconds } = await scraper.scrape()
      if (status !== 200) throw new Error(`${url} answers ${status}`)
      times.push(milliseconds)
      if (pauseMs > 0) await new Promise(resolve => setTimeout(resolve, pauseMs))
    }
  } finally {
    scraper.close()
  }
  return times
}

/** Samples of a metric in an exposition: what stands between the braces, and the value. */
export function samplesOf(body: string, metric: string): { readonly labels: string; readonly value: number }[] {
  return body.split('\n').flatMap(line => {
    const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    return name === metric ? [{ labels, value: Number(value) }] : []
  })
}

/** Series in an exposition that begin so. */
export const seriesCount = (body: string, prefix = ''): number =>
  body.split('\n').filter(line => line !== '' && !line.startsWith('#') && line.startsWith(prefix)).length
