import type { HaproxyServer } from '../../src/probes/haproxy/observe.ts'
import { start } from './looked.ts'

/** A server of the proxy `write` that takes sessions. HAProxy does not say where it is. */
export const serverUp = (name: string, fields: Partial<HaproxyServer> = {}): HaproxyServer => ({
  proxy: 'write',
  server: name,
  status: 'UP',
  changing: undefined,
  checkStatus: 'L7OK',
  checkCode: 200,
  weight: 1,
  backup: false,
  sessions: 0,
  lastChangeAt: start - 3_600_000,
  address: undefined,
  port: undefined,
  host: undefined,
  ...fields,
})

/** One that is not the leader, by the last check. */
export const serverDown = (name: string, fields: Partial<HaproxyServer> = {}): HaproxyServer =>
  serverUp(name, { status: 'DOWN', checkStatus: 'L7STS', checkCode: 503, ...fields })
