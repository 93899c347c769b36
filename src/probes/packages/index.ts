import * as z from 'zod'
import { filePath, section, targetFields } from '../../fields/index.ts'
import { expects } from '../../yaml/expects.ts'
import { oneLine } from '../../core/errors.ts'
import { gauge, sample, type Sample } from '../../core/metric.ts'
import { defineProbe, finding, reasonsOf, type Reason, type ReasonSpec } from '../../core/probe.ts'
import { observe, type FileSeen, type PackageSeen, type PackagesSeen, type PackagesTarget } from './observe.ts'

export type { PackageSeen, PackagesSeen, PackagesTarget } from './observe.ts'

export const metrics = {
  installed: gauge('mailpath_packages_installed', 'Whether the package is really there, not only listed.', [
    'target',
    'package',
  ]),
  forbiddenFound: gauge(
    'mailpath_packages_forbidden_found',
    'Whether the deployed file has text in it that must not be there.',
    ['target', 'file'],
  ),
}

const reasons = {
  packages_missing: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'A package the application needs is not installed where the application would load it from.',
    remedy: 'Install it (npm install NAME), deploy again and restart the application.',
  },
  packages_folder_unreadable: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: "The application's folder, or something in it, could not be read, so nothing is known of its packages.",
    remedy: 'Correct `folder`, mount it into the container of the exporter, or let the exporter read it.',
  },
  packages_forbidden_found: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'The deployed code has text in it that must not be there, such as the message of a stub.',
    remedy: 'Deploy code without it: rebuild first, for the source may be right and the build old.',
  },
  packages_file_missing: {
    verdict: 'unknown',
    severity: 'low',
    meaning: 'A file that was to be searched is not there, so nothing was looked at.',
    remedy: 'Correct the path in `forbid` if the layout of the build changed; else find out why the build lacks it.',
  },
  packages_file_unreadable: {
    verdict: 'unknown',
    severity: 'low',
    meaning: 'A file that was to be searched could not be read, so nothing was looked at.',
    remedy: 'Let the exporter read it; name a smaller file if it is too large.',
  },
} as const satisfies Record<string, ReasonSpec>
const reason = reasonsOf(reasons)

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

/** What is installed in an application, and what its deployed code must not hold. */
export const packages = defineProbe({
  kind: 'packages',
  summary: 'What is installed in the application, and what must not be in its deployed code.',
  target: section({
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
          pattern: z.string().min(1).describe('Text that must not be in it, as it stands: no regular expression.'),
        }),
        { error: expects('a list of { file, pattern }') },
      )
      .default([])
      .describe('What must not be in the deployed code.'),
  }).superRefine((target, context) => {
    if (target.require.length + target.forbid.length === 0) context.addIssue('give at least one of require and forbid')
  }),
  metrics,
  reasons,
  observe,
  judge(seen, target) {
    if (seen.why !== undefined)
      return finding('', [reason('packages_folder_unreadable', `${target.folder}: ${seen.why}`)], [])
    const installed = seen.packages.flatMap(({ name, version }) =>
      version === undefined ? [] : [`${name} ${version}`],
    )
    const evidence = `${target.folder}: ${installed.join(', ') || 'nothing forbidden found'}`
    const found = [
      ...seen.packages.flatMap(p => packageReason(p, target)),
      ...seen.files.flatMap(f => fileReason(f, target)),
    ]
    return finding(evidence, found, samplesOf(seen, target.name))
  },
})

function packageReason({ name, state, listed, why }: PackageSeen, { folder }: PackagesTarget): Reason[] {
  switch (state) {
    case 'installed':
      return []
    case 'missing':
      return listed
        ? [
            reason(
              'packages_missing',
              `${folder}: ${name} is listed in ${listed} but not installed`,
              'Run npm ci in the folder, and restart the application.',
            ),
          ]
        : [reason('packages_missing', `${folder}: ${name} is not installed, and not listed in package.json`)]
    case 'broken':
      return [reason('packages_missing', `${folder}: ${name} cannot be loaded: ${why ?? ''}`)]
    case 'unreadable':
      return [reason('packages_folder_unreadable', `${folder}: ${name}: ${why ?? ''}`)]
  }
}

function fileReason({ file, pattern, state, why }: FileSeen, { folder }: PackagesTarget): Reason[] {
  switch (state) {
    case 'clean':
      return []
    case 'found':
      return [reason('packages_forbidden_found', `${folder}/${file}: has "${oneLine(pattern)}" in it`)]
    case 'missing':
      return [reason('packages_file_missing', `${folder}/${file}: no such file`)]
    case 'unreadable':
      return [reason('packages_file_unreadable', `${folder}/${file}: ${why ?? ''}`)]
  }
}

/** A file with several patterns is one series: 1 if any of them is in it. */
function samplesOf({ packages, files }: PackagesSeen, target: string): Sample[] {
  const installed = packages.flatMap(({ name, state }) =>
    sample(metrics.installed, state === 'unreadable' ? undefined : state === 'installed', { target, package: name }),
  )
  const names = [...new Set(files.map(({ file }) => file))]
  const found = names.flatMap(file => {
    const states = files.filter(seen => seen.file === file).map(({ state }) => state)
    const known = states.includes('found') ? true : states.every(state => state === 'clean') ? false : undefined
    return sample(metrics.forbiddenFound, known, { target, file })
  })
  return [...installed, ...found]
}
