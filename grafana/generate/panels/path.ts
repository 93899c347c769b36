import { type Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { mailMetrics } from '../../../src/assess/mail.ts'
import { metrics as mail } from '../../../src/probes/mail/index.ts'
import { by, join, q } from '../build/promql.ts'
import { query } from '../build/query.ts'
import { stat } from '../build/stat.ts'
import * as states from '../build/states.ts'
import * as views from '../views.ts'

export const verdict = stat({
  title: 'Can mail be sent?',
  description:
    'The verdict of each mail path, from evidence that is at most three intervals old. “Unknown” is not “yes”: something mail needs could not be looked at.',
  noValue: 'No data',
  query: query(views.mailVerdict, label => label.mail_path),
  states: states.canSend,
  stacked: true,
})

export const root = stat({
  title: 'What to fix first',
  description:
    'The root blocker: the one thing that has to be fixed, or found out, before anything else can matter. What to do about it is in the table below.',
  noValue: 'nothing known',
  query: query(
    join(
      '*',
      by(
        'max',
        ['mail_path', 'probe', 'target', 'reason'],
        q(mailMetrics.blocker, { ...views.mailPaths, root: 'true' }),
      ),
      views.mailVerdict,
      ['mail_path'],
    ),
    label => `${label.reason}: ${label.probe}/${label.target}`,
  ),
  states: states.blocks,
  rows: true,
  stacked: true,
  fontSize: { name: 22, value: 34 },
})

/** A link of the path: the worst of its checks. */
export const link = (title: string, probe: string, details: string, about: string) =>
  stat({
    title,
    description: `The worst verdict of ${about}.`,
    noValue: 'not checked',
    query: query(views.checkVerdict([], { probe }), () => title),
    states: states.verdictCodes,
    nameless: true,
    details,
  })

export const cluster = stat({
  title: 'Postgres',
  description: 'The verdict of each cluster as a whole: exactly one primary, and standbys that follow it.',
  noValue: 'not checked',
  query: query(views.clusterVerdict(), label => label.postgres_cluster),
  states: states.verdictCodes,
  details: 'mailpath-postgres',
})

export const provider = stat({
  title: 'Sends with',
  description: 'The provider each application is set to send mail with.',
  noValue: 'unknown',
  query: query(
    states.stateOf(mail.provider, 'provider', states.mailProvider, ['mail_path'], { where: views.mailPaths }),
    label => label.mail_path,
  ),
  states: states.mailProvider,
  details: 'mailpath-providers',
})

/** Where writes land. */
export const landings = (where?: views.OfCluster) =>
  stat({
    title: 'Writes land on',
    description:
      'The node a fresh session of each write path landed on in the last run, and whether a write was committed there.',
    noValue: 'not checked',
    query: query(views.writePaths(where), label => `${label.target} → ${label.node}`),
    states: states.writes,
    rows: true,
    details: 'mailpath-postgres',
  })

/** Who is primary. */
export const nodes = (where?: views.OfCluster) =>
  stat({
    title: 'Postgres nodes',
    description: 'The role of each node, as it tells it itself.',
    noValue: 'not checked',
    query: query(views.nodeRoles(where), label => label.target),
    states: states.nodeRole,
    rows: true,
    details: 'mailpath-postgres',
  })

export const vaults = stat({
  title: 'Vault nodes',
  description: 'The state of each Vault node, as it tells it itself.',
  noValue: 'not checked',
  query: query(views.vaultNodes(), label => label.target),
  states: states.vaultNode,
  rows: true,
  details: 'mailpath-providers',
})

/** The verdict on each target of a probe. */
export const verdicts = (title: string, probe: string, what: string): Panel =>
  stat({
    title,
    description: `The verdict on each ${what}.`,
    noValue: 'not checked',
    query: query(views.checkVerdict(['target'], { probe }), label => label.target),
    states: states.verdictCodes,
  })
