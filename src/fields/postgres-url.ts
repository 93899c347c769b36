import * as z from 'zod'
import { readings } from '../clients/postgres-url/index.ts'
import type { Resolvable } from '../core/reference.ts'
import { percentDecoded } from '../core/url-doubt.ts'
import { reference } from './index.ts'
import { expects } from '../yaml/expects.ts'

const passwordElsewhere =
  'the URL holds a password, and a secret must not stand in this file; take it out and set password to a reference, for example { env: NAME }'

/** A URL of Postgres, written here without a password, or a reference to one that may have one. */
export const postgresUrl = (meaning: string, example: string): z.ZodType<Resolvable> =>
  z
    .union([
      z.string({ error: expects(`a URL such as ${example}`) }).superRefine((value, context) => {
        const problem = problemOf(value, example)
        if (problem !== undefined) context.addIssue(problem)
      }),
      reference,
    ])
    .describe(meaning)

/** What is wrong with a URL for every driver. Contains nothing of the URL. */
function problemOf(url: string, example: string): string | undefined {
  // Once: to read a URL as every driver takes most of the time of a start with many targets.
  const read = readings({ url, settings: {} })
  if (holdsPassword(url, read)) return passwordElsewhere
  if (read.some(({ reading }) => reading.kind === 'plan')) return modeProblem(url)
  const whys = new Set(read.flatMap(({ reading }) => (reading.kind === 'not_understood' ? [reading.why] : [])))
  const [why] = whys
  if (why !== undefined) return `the URL ${why}`
  const errors = read.flatMap(({ driver, reading }) =>
    reading.kind === 'refused' ? [`${driver}: ${reading.error}`] : [],
  )
  return `not a valid URL; expected one such as ${example} (${errors.join('; ')})`
}

/** Anywhere a password can be: before the @, in the query, in a conninfo string. */
const holdsPassword = (url: string, read: ReturnType<typeof readings>): boolean =>
  /:\/\/[^/?@]*:[^/?@]+@/.test(url) ||
  /(?:^|[?&\s])(?:password|pass|sslpassword)\s*=\s*[^&\s]/i.test(percentDecoded(url)) ||
  read.some(({ reading }) => reading.kind === 'plan' && reading.plan.password !== undefined)

/** The modes of all drivers together. */
const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']

/** Some drivers take an unknown mode for another one, and never for the one that was meant. */
function modeProblem(url: string): string | undefined {
  const given = [...percentDecoded(url).matchAll(/(?:^|[?&\s])sslmode\s*=\s*'?([^&'\s]*)/g)].map(
    ([, mode = '']) => mode,
  )
  return given.every(mode => modes.includes(mode))
    ? undefined
    : `the URL has an sslmode that does not exist; there are ${modes.join(', ')}`
}
