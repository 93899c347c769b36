/** Load by wrk, in a process of its own. https://github.com/wg/wrk */
import { have, runProcess } from '../../test/servers/processes.ts'

export const wrkMissing = (): string | undefined =>
  have('wrk') ? undefined : 'wrk is not installed: apt-get install wrk'

/** Requests per second on kept connections. Throws where an answer was not a good one. */
export async function requestsPerSecond(
  url: string,
  { connections, seconds, headers = {} }: { connections: number; seconds: number; headers?: Record<string, string> },
): Promise<number> {
  const asked = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const output = await runProcess('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, ...asked, url], {
    timeoutMs: seconds * 1000 + 20_000,
  })
  const bad = /Non-2xx or 3xx responses: \d+|Socket errors: .*/.exec(output)
  if (bad) throw new Error(`wrk at ${url}: ${bad[0]}`)
  const [, rate] = /Requests\/sec:\s+([\d.]+)/.exec(output) ?? []
  if (rate === undefined) throw new Error(`wrk at ${url} printed no rate:\n${output}`)
  return Number(rate)
}
