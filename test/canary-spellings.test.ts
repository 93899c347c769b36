import net from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseConfig } from '../src/config/load.ts'
import { createReferences } from '../src/references/index.ts'
import { createLog } from '../src/core/log.ts'
import { inLines, json } from '../src/core/shown.ts'
import { createMonitor } from '../src/monitor/index.ts'
import { statusJson } from '../src/report/api.ts'
import { renderFailuresList } from '../src/page/failures-list.ts'
import { renderFailures } from '../src/page/failures.ts'
import { renderPage } from '../src/page/page.ts'
import { transcriptsText } from '../src/report/transcripts.ts'
import { report, reportFormats } from '../src/report/report.ts'
import { transcriptLines } from '../src/page/run-text.ts'
import { escapings, wordings } from './core/spellings.ts'
import { listen, scripted, type Listening } from './servers/hostile.ts'

/** With characters that look different in each spelling. */
const secret = 'Sparrow-7/+ü?x9=&"k'
const spelled = Object.entries({ ...wordings, ...escapings }).map(([name, spell]) => ({ name, told: spell(secret) }))

/** Takes the password in the clear, and repeats it in its error. */
const postgresThatEchoes = (told: string): Promise<Listening> => {
  const message = (type: string, body: Buffer): Buffer => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(body.length + 4)
    return Buffer.concat([Buffer.from(type), length, body])
  }
  return listen(
    net.createServer(socket => {
      let heard = 0
      socket.on('error', () => undefined)
      socket.on('data', () => {
        heard++
        if (heard === 1) socket.write('N')
        else if (heard === 2) socket.write(message('R', Buffer.from([0, 0, 0, 3])))
        else socket.end(message('E', Buffer.from(`SFATAL\0C28P01\0Mwrong password ${told} of you\0\0`)))
      })
    }),
  )
}

/** Repeats the password in its refusal, in a reply of as many lines as that takes. */
const relayThatEchoes = (told: string): Promise<Listening> => {
  const lines = `5.7.8 wrong password ${told} of you`.split(/\r\n(?:550-)?/)
  const reply = lines.map((line, i) => `535${i < lines.length - 1 ? '-' : ' '}${line}`).join('\r\n')
  return scripted({
    security: 'none',
    capabilities: ['AUTH PLAIN'],
    handlers: [line => (line.startsWith('AUTH PLAIN') ? reply : undefined)],
  })
}

const servers: Listening[] = []
const outputs: Record<string, string> = {}

beforeAll(async () => {
  const entries = await Promise.all(
    spelled.map(async ({ told }, n) => {
      const [postgres, relay] = await Promise.all([postgresThatEchoes(told), relayThatEchoes(told)])
      servers.push(postgres, relay)
      const password = 'password: { env: SECRET }'
      return {
        postgres: `  - { name: p${n}, cluster: c, url: "postgres://me@127.0.0.1:${postgres.port}/db", ${password} }`,
        smtp: `  - { name: s${n}, host: 127.0.0.1, port: ${relay.port}, security: none, user: me, ${password} }`,
      }
    }),
  )
  const sections = (['postgres', 'smtp'] as const).map(kind => [`${kind}:`, ...entries.map(entry => entry[kind])])
  const config = parseConfig(`interval: 120s\ntimeout: 60s\n${sections.flat().join('\n')}\n`, 'mailpath.yml')
  const log: string[] = []
  const monitor = createMonitor(
    config,
    createReferences({ env: { SECRET: secret }, vaults: config.vaults, kubernetes: config.kubernetes }),
    createLog('debug', 'json', line => log.push(line)),
  )
  outputs['check --debug'] = transcriptsText(await monitor.runAll(new AbortController().signal))
  const status = monitor.status()
  const failed = status.checks.flatMap(check => status.records.get(check.id)?.failed ?? [])
  for (const format of reportFormats) outputs[`check as ${format}`] = report(status, { format })
  outputs['page'] = renderPage(status, { version: '1', configFile: 'mailpath.yml' })
  outputs['API'] = json(statusJson(status))
  outputs['failures'] = status.checks
    .map(check => renderFailures(check, status.records.get(check.id)?.failed ?? [], 0))
    .join('\n')
  outputs['transcripts'] = failed.map(({ transcript }) => inLines(transcriptLines(transcript))).join('\n')
  outputs['list of failures'] = renderFailuresList(status)
  outputs['log'] = log.join('')
  outputs['everything that is kept'] = inspect(
    { checks: status.checks.map(({ config: _, ...check }) => check), records: status.records },
    { depth: 12, maxStringLength: null, maxArrayLength: null },
  )
}, 120_000)

afterAll(async () => {
  await Promise.all(servers.map(server => server.close()))
})

it('every server did repeat it', () => {
  expect(outputs['transcripts']?.match(/wrong password <secret>/g)?.length).toBeGreaterThan(spelled.length / 2)
  expect(outputs['API']?.match(/wrong password[^"]{0,80}<secret>/g)?.length).toBeGreaterThanOrEqual(2 * spelled.length)
})

it.each(spelled)('a password that servers repeat is nowhere: $name', ({ name, told }) => {
  const all = told.split(/\r\n|[\u200b\u202e ]/).filter(piece => piece.length >= 6)
  // The rest of that mail is no secret.
  const pieces = name === 'base64 of a mail' ? all.slice(0, 1) : all
  for (const [output, text] of Object.entries(outputs)) {
    for (const piece of pieces) expect(text.includes(piece), `${piece} in ${output}`).toBe(false)
    expect(text.replace(/[\u200b\u202e\s]/g, ''), output).not.toMatch(/sparrow/i)
  }
})
