/** Relays beside one another, and SES as the second way out. */
import { closesAtOnce } from '../servers/hostile.ts'
import type { Area, Fault, Stage } from './fault.ts'
import { intervalMs } from './runner.ts'
import {
  blocked,
  login,
  mailPath,
  nothing,
  samplesOf,
  stageOf,
  startRelay,
  swapped,
  target,
  type Relay,
  type RelayStage,
} from './smtp-stage.ts'

interface Pair extends Stage {
  readonly first: Relay
  readonly second: Relay
}

const well = { reachable: 1, authenticated: 1, certificate_valid: 1 }

export const smtpPair: Area<Pair> = {
  name: 'SMTP: two relays, both needed',
  async start() {
    const both = await Promise.all([startRelay(), startRelay()])
    const [first, second] = both
    const onBoth = async (work: (relay: Relay) => Promise<void>): Promise<void> => {
      await Promise.all(both.map(work))
    }
    const targets = [target('first', first, login(first)), target('second', second, login(second))]
    return {
      first,
      second,
      config: ['smtp:', ...targets, mailPath].join('\n'),
      env: {},
      heal: () => onBoth(relay => relay.heal()),
      stop: () => onBoth(relay => relay.stop()),
    }
  },
  faults: [
    {
      name: 'Two relays: the second is down',
      inject: ({ second }) => second.swap(),
      seen: blocked('smtp_unreachable', nothing, { name: 'second', samples: samplesOf(well, 'first') }),
    },
    {
      name: 'Two relays: the first refuses the login',
      inject: ({ first }) => first.password('wrong'),
      seen: blocked('smtp_auth_failed', { authenticated: 0 }, { name: 'first', samples: samplesOf(well, 'second') }),
    },
    {
      name: 'Two relays: both are down',
      async inject({ first, second }) {
        await Promise.all([first.swap(), second.swap()])
      },
      seen: {
        ...blocked('smtp_unreachable', nothing, { name: 'first' }),
        reasons: ['smtp/first smtp_unreachable', 'smtp/second smtp_unreachable'],
      },
    },
  ],
}

const complete = { ACCESS: 'AKIAQWERTYUIOPASDFGH', SECRET: 'q'.repeat(20) + 'W7/+'.repeat(5), REGION: 'eu-west-1' }
const references = 'access_key: { env: ACCESS }, secret_key: { env: SECRET }, region: { env: REGION }, verify: false'

const withSes = async (env: Record<string, string | undefined>, more = ''): Promise<RelayStage> => {
  const relay = await startRelay()
  const ses = `ses:\n  - { name: account, interval: ${intervalMs}ms, ${references}${more} }`
  return stageOf(relay, `smtp:\n${target('relay', relay, login(relay))}\n${ses}`, env)
}

const downWhile = (name: string, settings: Record<string, string | undefined>, code: string): Fault<RelayStage> => ({
  name,
  inject({ relay, env }) {
    Object.assign(env, settings)
    return relay.swap()
  },
  seen: { ...blocked('smtp_unreachable', nothing), reasons: ['smtp/relay smtp_unreachable', `ses/account ${code}`] },
})

export const smtpWithSes: Area<RelayStage> = {
  name: 'SMTP: SES beside it',
  start: () => withSes({ ...complete }),
  faults: [
    downWhile(
      'Relay down, and SES not configured',
      { ACCESS: undefined, SECRET: undefined, REGION: undefined },
      'ses_absent',
    ),
    downWhile('Relay down, and SES half configured', { SECRET: undefined }, 'ses_partial'),
    {
      name: 'Relay down, and SES configured and not asked',
      inject: ({ relay }) => relay.swap(port => closesAtOnce({ port })),
      seen: blocked('smtp_closed', nothing, { verdict: 'unknown' }),
    },
    {
      name: 'SES not configured, and the relay is well',
      inject({ env }) {
        Object.assign(env, { ACCESS: undefined, SECRET: undefined, REGION: undefined })
        return Promise.resolve()
      },
      seen: { verdict: 'ok', reasons: ['ses/account ses_absent'], samples: samplesOf(well) },
    },
  ],
}

export const smtpWithSesStub: Area<RelayStage> = {
  name: 'SMTP: SES beside it, as a stub',
  start: () => withSes({ ...complete }, ', implemented: false'),
  faults: [
    swapped('Relay down, and SES configured but a stub', undefined, {
      ...blocked('smtp_unreachable', nothing),
      reasons: ['smtp/relay smtp_unreachable', 'ses/account ses_stub'],
    }),
  ],
}
