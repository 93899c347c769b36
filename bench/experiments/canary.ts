import { certificates } from '../../test/servers/certificates.ts'
import { startImapSink } from '../../test/servers/imap-sink.ts'
import { startSmtp } from '../../test/servers/smtp.ts'
import { experiment } from '../experiment.ts'
import { residentMegabytes } from '../measure/process.ts'
import { scrapeOnce, scrapeTimes } from '../measure/scrape.ts'
import { startExporter } from '../stage/exporter.ts'
import { configOf } from '../stage/targets.ts'

const targets = 50
const user = 'canary@example.test'
const password = 'password-of-the-canary'

export const canaryMemory = experiment({
  id: 'canary',
  title: 'Memory that a canary takes',
  how: `Resident memory (VmRSS, 10^6 bytes) with ${targets} targets after 1,000 scrapes, freshly started each time, with MALLOC_ARENA_MAX=1: with a canary that was sent through smtp-server and has arrived in a mailbox with IMAP (test/servers/imap-sink.ts), in turn with the same and no canary. The IMAP client (imapflow) is loaded with the first canary, and not without one.`,
  lines: {
    rss: {
      what: `Memory with ${targets} targets and a canary, after 1,000 scrapes`,
      unit: 'MB',
      better: 'lower',
      peer: 'the same without a canary',
    },
  },
  async measure({ servers, quick }) {
    const { folder, caFile } = servers
    const { good } = await certificates()
    const sink = await startImapSink({ users: { [user]: password }, certificate: good })
    const relay = await startSmtp({
      security: 'starttls',
      certificate: good,
      onMail: ({ data }) => sink.deliver(data),
    })
    const config = configOf(servers, targets)
    const withRelay = {
      ...config,
      smtp: [...config.smtp, { name: 'to the mailbox', host: '127.0.0.1', port: relay.port, ca_file: caFile }],
    }
    const canary = {
      ...{ name: 'arrives', smtp: 'to the mailbox', from: 'app@example.test', to: user, interval: '1m' },
      mailbox: { host: '127.0.0.1', port: sink.port, user, password: { env: 'CANARY_PASSWORD' }, ca_file: caFile },
    }
    const env = { ...servers.env, CANARY_PASSWORD: password }

    /** Ends the process. `arrived`: how many canaries have to be there. */
    async function memoryOf(given: object, arrived: number): Promise<number> {
      const exporter = await startExporter({ config: given, env, folder })
      try {
        await scrapeTimes(exporter.url, 1_000)
        const { body } = await scrapeOnce(exporter.url)
        const found = /^mailpath_canary_arrived_total\{.*folder="inbox".*\} (\d+)$/m.exec(body)?.[1] ?? '0'
        if (Number(found) < arrived) throw new Error(`${found} canaries have arrived`)
        return await residentMegabytes(exporter.pid)
      } finally {
        await exporter.stop()
      }
    }

    const [ours, peer]: [number[], number[]] = [[], []]
    try {
      for (let turn = 0; turn < (quick ? 1 : 2); turn++) {
        ours.push(await memoryOf({ ...withRelay, canary: [canary] }, 1))
        peer.push(await memoryOf(withRelay, 0))
      }
    } finally {
      await relay.close()
      await sink.close()
    }
    return { lines: { rss: { ours, peer } } }
  },
})
