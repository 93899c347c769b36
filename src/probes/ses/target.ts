import * as z from 'zod'
import type { Target } from '../../core/probe.ts'
import type { Reference, Resolvable } from '../../core/reference.ts'
import { shapes } from '../../core/shape.ts'
import { secret, section, targetFields, text } from '../../fields/index.ts'

/** The SES settings of an application. */
export interface SesTarget extends Target {
  readonly access_key: Resolvable
  readonly secret_key: Reference
  readonly region: Resolvable
  /** False if the SES sender of the application is a stub. */
  readonly implemented: boolean
}

export const sesTarget = section({
  ...targetFields,
  access_key: text('Access key id of the IAM user that sends.', shapes.accessKey),
  secret_key: secret('Its secret access key.'),
  region: text('Region in which SES is set up, such as eu-west-1.', shapes.region),
  implemented: z
    .boolean()
    .default(true)
    .describe("False if the application's SES sender is a stub. Then SES is no second way out."),
})
