import { beforeAll, describe } from 'vitest'
import { canary } from '../../../src/probes/canary/index.ts'
import type { CanaryTarget } from '../../../src/probes/canary/target.ts'
import { smtp } from '../../../src/probes/smtp/index.ts'
import { probeContract } from '../contract.ts'
import { look } from '../look.ts'
import { refusedPort } from '../../servers/hostile.ts'

/** A canary whose relay and mailbox are both at this port. */
function target(port: number): CanaryTarget {
  const at = { host: '127.0.0.1', port, user: 'app', password: { env: 'P' } }
  const parsed = canary.target.parse({
    name: 'out',
    smtp: 'relay',
    from: 'canary@app.example.com',
    to: 'canary@box.example.net',
    mailbox: { ...at, security: 'none' },
  })
  const relay = smtp.target.parse({ name: 'relay', ...at, security: 'none' })
  return { ...parsed, way: { kind: 'smtp', target: relay } }
}

// The libraries are loaded with the first look, and that takes longer than a run has here.
beforeAll(async () => {
  const { port, close } = await refusedPort()
  await look(canary, target(port), { timeoutMs: 20_000, references: { value: () => Promise.resolve('word') } })
  await close()
}, 30_000)

describe('with a relay that is hostile, and a mailbox', () => {
  probeContract(canary, target)
})

describe('with a mailbox that is hostile, and a relay', () => {
  probeContract(canary, target, { opening: '* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] Dovecot ready.\r\n' })
})
