import { onTestFinished } from 'vitest'
import { dns } from '../../../src/probes/dns/index.ts'
import { startDnsDouble, type DnsRow } from '../../servers/dns-double.ts'
import { refusedPort } from '../../servers/hostile.ts'
import { probeContract } from '../contract.ts'

const targetAt = (port: number) => ({
  name: 'mail',
  domain: 'app.example.com',
  dkim: ['s1'],
  senders: ['mail.app.example.com', '198.51.100.7'],
  direct: true,
  bulk: true,
  mta_sts: true,
  servers: [`127.0.0.1:${port}`],
})

/** A server that does this with each question. */
const hostile = (row: DnsRow, options?: { readonly tcp: boolean }) => async () => {
  const server = await startDnsDouble({ '*.com': row, '*.arpa': row, '*.': row, com: row }, options)
  onTestFinished(() => server.close())
  return { target: targetAt(server.port), about: `127.0.0.1:${server.port}` }
}

probeContract(dns, {
  wrong: {
    'a port where no server is': async () => {
      const { port, close } = await refusedPort()
      onTestFinished(close)
      return { target: targetAt(port), about: `127.0.0.1:${port}` }
    },
    'a server that is silent': hostile({ silent: 'all' }),
    'a server that fails': hostile({ rcode: 2 }),
    'a server that refuses': hostile({ rcode: 5 }),
    'a server that sends garbage': hostile({ garbage: 400 }),
    'a server that answers other questions without end': hostile({ endless: true }),
    'a server that cuts off and is silent over TCP': hostile({ truncated: 'silent' }),
    'a server that cuts off and hangs up over TCP': hostile({ truncated: 'closed' }),
    'a server that cuts off and drips over TCP': hostile({ truncated: 'drip' }),
    'a server that cuts off and sends other answers over TCP without end': hostile({ truncated: 'endless' }),
    'a server that cuts off and has no TCP': hostile({ truncated: 'silent' }, { tcp: false }),
  },
  busy: hostile({ silent: 'all' }),
})
