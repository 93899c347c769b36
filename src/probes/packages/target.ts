import * as z from 'zod'
import type { Target } from '../../core/probe.ts'
import { filePath, section, targetFields } from '../../fields/index.ts'
import { expects } from '../../yaml/expects.ts'

/** An application's folder, what must be installed in it, and what its files must not contain. */
export interface PackagesTarget extends Target {
  readonly folder: string
  readonly require: readonly string[]
  readonly forbid: readonly { readonly file: string; readonly pattern: string }[]
}

const packageName = z
  .string({ error: expects('the name of a package') })
  .regex(/^(@[\w~-][\w.~-]*\/)?[\w~-][\w.~-]*$/, 'not the name of an npm package')

const inFolder = z
  .string({ error: expects('the path of a file inside the folder') })
  .min(1)
  .refine(
    path => !path.startsWith('/') && !path.split('/').includes('..'),
    'must be a path inside the folder, without a leading / and without ..',
  )

export const packagesTarget = section({
  ...targetFields,
  folder: filePath("The application's folder, the one with its package.json."),
  require: z
    .array(packageName, { error: expects('a list of packages') })
    .default([])
    .describe('The packages that must be installed.'),
  forbid: z
    .array(
      section({
        file: inFolder.describe('Path of a file, inside the folder.'),
        pattern: z.string().min(1).describe('Text that must not be in it. It is no regular expression.'),
      }),
      { error: expects('a list of { file, pattern }') },
    )
    .default([])
    .describe('What must not be in the deployed code.'),
}).superRefine((target, context) => {
  if (target.require.length + target.forbid.length === 0) context.addIssue('give at least one of require and forbid')
})
