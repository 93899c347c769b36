/** Values that are not what their place takes: nothing of them is shown, and nothing is sent anywhere. */
import { waitFor } from '../servers/ports.ts'
import type { Area, Expectation, Fault } from './fault.ts'
import { runnable } from './runner.ts'
import { login, secret, startValuesStage, type ValuesStage } from './values-stage.ts'

type Row = Fault<ValuesStage>

const unknown = (root: string, ...reasons: string[]): Expectation => ({
  verdict: 'unknown',
  root,
  reasons: [root, ...reasons],
})

/** The relay of `name` sees no login, over two more rounds of the other ones. */
const nothingSent = async ({ relay }: ValuesStage): Promise<void> => {
  const { logins, quits } = relay
  await waitFor(() => relay.quits >= quits + 6, { what: 'two more rounds' })
  // Of three relays two log in each time.
  if (relay.logins - logins > ((relay.quits - quits) * 2) / 3 + 1) throw new Error('a value was sent to the relay')
}

const written = (name: string, variable: string, value: string, seen: Expectation, more: Partial<Row> = {}): Row => ({
  name: `Value in a file: ${name}`,
  inject: stage => stage.set(variable, value),
  seen,
  ...more,
})

const unresolved = unknown('smtp/file reference_unresolved')
const noPassword = unknown('smtp/file smtp_password_unresolved')

const fileRows: Row[] = [
  written('a password with a variable that is not said to be expanded', 'SMTP_PASS', '${SMTP_PASS_REAL}', noPassword, {
    meanwhile: nothingSent,
  }),
  written('a host with a variable that is not said to be expanded', 'SMTP_HOST', '${MAIL_HOST}', {
    ...unknown('smtp/file reference_unresolved', 'settings/file setting_unreadable'),
    not: ['settings/file setting_different'],
  }),
  written(
    'a variable that is set nowhere',
    'EXPANDED',
    '${NOWHERE}',
    unknown('smtp/expanded smtp_password_unresolved'),
  ),
  written('a URL with a password where a host is expected', 'SMTP_HOST', `smtp://app:${login.password}@relay:587`, {
    ...unresolved,
    reasons: [...(unresolved.reasons ?? []), 'settings/file setting_different'],
    verdict: 'fail',
    root: 'settings/file setting_different',
  }),
  written('a port that Kubernetes injects for a Service', 'SMTP_PORT', 'tcp://10.96.0.12:587', unresolved),
  written('a list where a port is expected', 'SMTP_PORT', '33001,33000', unresolved),
  written('a user with the quotes left on', 'SMTP_USER', `'"${login.user}"'`, {
    verdict: 'fail',
    root: 'settings/file setting_different',
    reasons: ['smtp/file smtp_password_unresolved'],
  }),
]

/** In base64. */
const inSecret = (name: string, values: Record<string, string>, seen: Expectation): Row => ({
  name: `Value in a Secret: ${name}`,
  inject({ kubernetes }) {
    kubernetes.encoded[secret] = values
    return Promise.resolve()
  },
  seen,
})

const secretRows: Row[] = [
  inSecret(
    'a password that is not UTF-8',
    { SMTP_PASS: '//6Ac2VjcmV0Ymlu' },
    unknown('smtp/secret smtp_password_unresolved', 'drift/passwords drift_unreadable'),
  ),
  inSecret(
    'two that are not UTF-8, and differ',
    { SMTP_PASS: '//6Ac2VjcmV0Ymlu', OLD_PASS: 'gYKDc2VjcmV0Ymlu' },
    unknown('smtp/secret smtp_password_unresolved', 'drift/passwords drift_unreadable'),
  ),
]

const area = (name: string, faults: readonly Row[]): Area<ValuesStage> => ({ name, start: startValuesStage, faults })

export const valuesAreas = [area('Value in a file', fileRows), area('Value in a Secret', secretRows)].map(one =>
  runnable(one),
)
