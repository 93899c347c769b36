import * as z from 'zod'
import { reference, section } from '../../fields/index.ts'
import { expects } from '../../yaml/expects.ts'
import { secretsIn } from '../../core/looks-like.ts'
import type { Reference } from '../../core/reference.ts'

/** What a setting should be. A scalar in the file is short for `equals`. */
export interface Expectation {
  /** If left out, only presence is asked for. */
  readonly equals?: string | undefined
  readonly present?: true | undefined
  readonly optional?: boolean | undefined
  /** What the application uses if the setting is missing. */
  readonly default?: string | undefined
  readonly secret?: boolean | undefined
  /** Another source for this one setting. */
  readonly from?: Reference | undefined
}
export type Expected = string | number | boolean | Expectation

const notEmpty = 'an expected value must not be empty; write { present: true } where any value will do'

const expected = z.union([
  z.string({ error: expects('a value, or keys such as { present: true }') }).min(1, notEmpty),
  z.number().refine(Number.isSafeInteger, 'only whole numbers are compared as they stand; put the value in quotes'),
  z.boolean(),
  section({
    equals: z
      .string()
      .min(1, notEmpty)
      .optional()
      .describe('The value it must have. A plain value instead of the keys is short for this.'),
    present: z
      .literal(true, 'expected true; where the setting may be absent write optional: true')
      .optional()
      .describe('Any value is right. This is the default without `equals`.'),
    optional: z.boolean().optional().describe('True if the setting may be missing.'),
    default: z.string().min(1, notEmpty).optional().describe('What the application uses if the setting is missing.'),
    secret: z.boolean().optional().describe('Default: true if the name contains pass, secret, key, token or url.'),
    from: reference.optional().describe('Another source for this one setting.'),
  }),
])

/** The settings by name. The expected value of a secret must not be in the file. */
export const expectations = z
  .record(z.string(), expected)
  .superRefine((settings, context) => {
    if (Object.keys(settings).length === 0)
      context.addIssue('name at least one setting, for example SMTP_HOST: { present: true }')
    for (const [name, given] of Object.entries(settings)) {
      if (!/^[-._A-Za-z0-9]+$/.test(name))
        context.addIssue({
          code: 'custom',
          path: [name],
          message: 'not the name of a setting; expected letters, digits, _ . and -',
        })
      const { equals, default: fallback } = expectationOf(given)
      if (isSecret(name, given) && (equals !== undefined || fallback !== undefined))
        context.addIssue({ code: 'custom', path: [name], message: secretInFile })
      else if ([equals, fallback].some(one => one !== undefined && holdsPassword(one)))
        context.addIssue({ code: 'custom', path: [name], message: passwordInFile })
    }
  })
  .describe('What is expected of each setting.')

/** Refused under any name, since expected values are shown. */
const holdsPassword = (expected: string): boolean =>
  expected.includes('PRIVATE KEY-----') || (expected.includes('://') && secretsIn(expected).length > 1)

const passwordInFile = 'holds a password or a key, which must not stand in this file; write { present: true }'

const secretInFile =
  'counts as a secret, and a secret must not stand in this file; write { present: true }, or add secret: false if it is none'

export const expectationOf = (given: Expected): Expectation =>
  typeof given === 'object' ? given : { equals: String(given) }

/** Whether the value must never be shown, and so not be compared with a value of the file. */
export const isSecret = (name: string, given: Expected): boolean =>
  expectationOf(given).secret ?? /pass|secret|key|token|url/i.test(name)
