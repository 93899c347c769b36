import type { Area, Expectation, Fault } from './fault.ts'
import { runnable } from './runner.ts'
import { startSettingsStage, stubFile, type SettingsStage } from './settings-stage.ts'

type Row = Fault<SettingsStage>
type Samples = NonNullable<Expectation['samples']>

const setting = (target: string, name: string, present: number | null, matches: number | null): Samples => ({
  [`mailpath_settings_present{target="${target}",setting="${name}"}`]: present,
  [`mailpath_settings_matches{target="${target}",setting="${name}"}`]: matches,
})
const relayWorks = { 'mailpath_smtp_authenticated{target="relay"}': 1 }

const fails = (root: string, samples: Samples): Expectation => ({
  verdict: 'fail',
  root,
  samples: { ...relayWorks, ...samples },
})
/** What could not be read is not said to be absent or different. */
const unknown = (root: string, samples: Samples): Expectation => ({
  verdict: 'unknown',
  root,
  not: ['settings/env file setting_absent', 'settings/cluster setting_absent'],
  samples: { ...relayWorks, ...samples },
})
const fine = (samples: Samples): Expectation => ({ verdict: 'ok', samples: { ...relayWorks, ...samples } })

const dotenv = '.env'
const inFile = (name: string, inject: Row['inject'], seen: Expectation): Row => ({
  name: `Settings file: ${name}`,
  inject,
  seen,
})
const edit =
  (from: string | RegExp, to: string): Row['inject'] =>
  stage =>
    stage.edit(from, to)
const absent = (name: string): Expectation => fails('settings/env file setting_absent', setting('env file', name, 0, 0))
const different = (name: string): Expectation =>
  fails('settings/env file setting_different', setting('env file', name, 1, 0))

const fileRows: Row[] = [
  inFile('SMTP_HOST absent', edit(/^SMTP_HOST=.*\n/m, ''), absent('SMTP_HOST')),
  inFile('SMTP_PASS absent', edit(/^SMTP_PASS=.*\n/m, ''), absent('SMTP_PASS')),
  inFile('SMTP_PASS empty', edit(/^SMTP_PASS=.*$/m, 'SMTP_PASS='), absent('SMTP_PASS')),
  inFile('SMTP_HOST different', edit('mail-core-01', 'mail-core-02'), different('SMTP_HOST')),
  inFile('SMTP_PORT different', edit('587', '25'), different('SMTP_PORT')),
  inFile('white space within the quotes', edit('=587', '="587 "'), different('SMTP_PORT')),
  inFile('optional SMTP_FROM different', edit(/$/, 'SMTP_FROM=root@localhost\n'), different('SMTP_FROM')),
  inFile(
    'written with export, quotes and CRLF',
    async stage => {
      await stage.edit('SMTP_HOST=mail-core-01', 'export SMTP_HOST="mail-core-01" # the relay')
      await stage.edit(/\n/g, '\r\n')
    },
    fine(setting('env file', 'SMTP_HOST', 1, 1)),
  ),
  ...(
    [
      ['missing', stage => stage.write(`app/${dotenv}`, undefined)],
      ['not UTF-8', stage => stage.write(`app/${dotenv}`, Buffer.from('SMTP_HOST=caf\xe9\n', 'latin1'))],
    ] satisfies [string, Row['inject']][]
  ).map(([name, inject]) =>
    inFile(name, inject, unknown('settings/env file setting_unreadable', setting('env file', 'SMTP_HOST', null, null))),
  ),
]

const inCluster = (name: string, inject: Row['inject'], seen: Expectation): Row => ({
  name: `Kubernetes Secret: ${name}`,
  inject,
  seen,
})
const knob =
  (turn: (kubernetes: SettingsStage['kubernetes']) => void): Row['inject'] =>
  stage => {
    turn(stage.kubernetes)
    return Promise.resolve()
  }
const unreadable = unknown('settings/cluster setting_unreadable', setting('cluster', 'SMTP_HOST', null, null))
/** The API server is to blame, and not who reads from it. */
const behind = (code: string, reachable: number): Expectation => ({
  ...unknown(`kubernetes/api-server ${code}`, {
    ...setting('cluster', 'SMTP_HOST', null, null),
    'mailpath_kubernetes_reachable{target="api-server"}': reachable,
  }),
  reasons: ['settings/cluster setting_unreadable'],
})
const app = 'keybuzz/app'

const clusterRows: Row[] = [
  inCluster(
    'forbidden (403)',
    knob(api => (api.forbid = true)),
    unreadable,
  ),
  inCluster(
    'token no longer valid (401)',
    knob(api => (api.token = 'rotated')),
    behind('kubernetes_unauthorized', 1),
  ),
  inCluster(
    'missing (404)',
    knob(api => (api.secrets = {})),
    unreadable,
  ),
  inCluster('API server refused', stage => stage.stopKubernetes(), behind('kubernetes_unreachable', 0)),
  inCluster(
    'API server silent',
    knob(api => (api.misbehaviour = 'silent')),
    behind('kubernetes_no_answer', 0),
  ),
  inCluster(
    'HTML 503 from a load balancer',
    knob(api => (api.misbehaviour = 'html')),
    behind('kubernetes_not_an_api_server', 1),
  ),
  inCluster(
    'too many requests (429)',
    knob(api => (api.misbehaviour = 'throttled')),
    behind('kubernetes_throttled', 1),
  ),
  inCluster(
    'etcd gone (500)',
    knob(api => (api.misbehaviour = 'no etcd')),
    behind('kubernetes_failed', 1),
  ),
  inCluster(
    'key missing',
    knob(api => (api.secrets[app] = { SMTP_HOST: 'mail-core-01' })),
    fails('settings/cluster setting_absent', setting('cluster', 'SMTP_PASS', 0, 0)),
  ),
  inCluster(
    'newline within the base64',
    knob(api => (api.secrets[app] = { SMTP_HOST: 'mail-core-01\n', SMTP_PASS: 'x' })),
    fails('settings/cluster setting_different', setting('cluster', 'SMTP_HOST', 1, 0)),
  ),
]

const installed = (name: string, value: number | null): Samples => ({
  [`mailpath_packages_installed{target="app",package="${name}"}`]: value,
})
const forbidden = (value: number | null): Samples => ({
  [`mailpath_packages_forbidden_found{target="app",file="${stubFile}"}`]: value,
})
const inApp = (name: string, file: string, text: string | undefined, seen: Expectation): Row => ({
  name: `Packages: ${name}`,
  inject: stage => stage.write(`app${file}`, text),
  seen,
})
const missing = (name: string): Expectation => fails('packages/app packages_missing', installed(name, 0))

const packageRows: Row[] = [
  inApp('listed but not installed', '/node_modules/nodemailer', undefined, missing('nodemailer')),
  inApp(
    'neither listed nor installed',
    '/node_modules/@aws-sdk',
    undefined,
    fails('packages/app packages_missing', { ...installed('@aws-sdk/client-ses', 0), ...installed('nodemailer', 1) }),
  ),
  inApp('installation cut off', '/node_modules/nodemailer/package.json', '{"name": "nodemai', missing('nodemailer')),
  inApp('deployed code is the stub', `/${stubFile}`, "throw new Error('SES not implemented')\n", {
    verdict: 'warn',
    reasons: ['packages/app packages_forbidden_found'],
    samples: { ...relayWorks, ...forbidden(1) },
  }),
  inApp(
    'deployed file missing',
    `/${stubFile}`,
    undefined,
    unknown('packages/app packages_file_missing', { ...forbidden(null), ...installed('nodemailer', 1) }),
  ),
]

/** The settings file is in it, too. */
const folderMissing: Row = {
  name: 'Packages: folder of the application missing',
  inject: stage => stage.write('app', undefined),
  seen: {
    verdict: 'unknown',
    root: 'settings/env file setting_unreadable',
    reasons: ['packages/app packages_folder_unreadable'],
    not: ['packages/app packages_missing'],
    samples: { ...installed('nodemailer', null), ...forbidden(null) },
  },
}

const area = (name: string, faults: readonly Row[]): Area<SettingsStage> => ({
  name,
  start: startSettingsStage,
  faults,
})

export const settingsAreas = [
  area('Settings file', fileRows),
  area('Kubernetes Secret', clusterRows),
  area('Packages', [...packageRows, folderMissing]),
].map(one => runnable(one))
