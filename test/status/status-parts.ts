/** Parts of the hand-made platform that several Status values share. */
import type { NodeStatus } from '../../src/assess/assessment.ts'
import type { Verdict } from '../../src/core/probe.ts'
import { check, node, type CheckFixture } from './status-builders.ts'

export const nodes = (verdict3: Verdict = 'ok'): NodeStatus[] => [
  node('db-postgres-01', 'primary', 'ok', '10.0.0.120:5432'),
  node('db-postgres-02', 'standby', 'ok', '10.0.0.121:5432'),
  node('db-postgres-03', 'standby', verdict3, '10.0.0.122:5432'),
]
export const nodeChecks = (): CheckFixture[] =>
  nodes().map(({ name, role = '', address = '' }, i) =>
    check('postgres', name, {
      evidence: `${address}: ${role}${i > 0 ? ', streaming' : ''}, timeline 7, ${41 + i} of 200 connections, Postgres 15.18`,
      phases: { connect: 0.0008, login: 0.0112, query: 0.0024 },
    }),
  )
export const writing = (name: string, address: string): CheckFixture =>
  check('write_path', name, {
    evidence: `${address}: a write was committed in 2.4 ms`,
    phases: { references: 0.0003, connect: 0.0011, login: 0.0127, landing: 0.0018, xid: 0.0006, commit: 0.0024 },
  })

export const smtpOk = check('smtp', 'mail.keybuzz.io', {
  evidence: 'mail.keybuzz.io:587: logged in over TLSv1.3, certificate valid for 61 days',
  needs: ['vault/vault-01'],
  phases: {
    references: 0.004,
    dns: 0.0013,
    connect: 0.0104,
    greeting: 0.0211,
    ehlo: 0.0103,
    starttls: 0.0311,
    auth: 0.0458,
    quit: 0.0101,
  },
})
export const mailOk = check('mail', 'keybuzz-backend', { evidence: 'sends with smtp', phases: { references: 0.0002 } })
