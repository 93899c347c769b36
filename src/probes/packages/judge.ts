import { oneLine } from '../../core/errors.ts'
import { gauge, sample } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import type { FileSeen, PackageSeen, PackagesSeen } from './observe.ts'
import { reason, type Reason } from './reasons.ts'
import type { PackagesTarget } from './target.ts'

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

export function judge(seen: PackagesSeen, target: PackagesTarget) {
  if (seen.why !== undefined)
    return finding('', [reason('packages_folder_unreadable', `${target.folder}: ${seen.why}`)], [])
  const installed = seen.packages.flatMap(({ name, version }) => (version === undefined ? [] : [`${name} ${version}`]))
  const evidence = `${target.folder}: ${installed.join(', ') || 'nothing forbidden found'}`
  const found = [
    ...seen.packages.flatMap(p => packageReason(p, target)),
    ...seen.files.flatMap(f => fileReason(f, target)),
  ]
  return finding(evidence, found, samplesOf(seen, target.name))
}

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
function samplesOf({ packages, files }: PackagesSeen, target: string) {
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
