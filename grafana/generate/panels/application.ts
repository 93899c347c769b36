import { metrics as drift } from '../../../src/probes/drift/judge.ts'
import { metrics as packages } from '../../../src/probes/packages/judge.ts'
import { metrics as settings } from '../../../src/probes/settings/judge.ts'
import { by, q } from '../build/promql.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'

export const appSettings = table({
  title: "The applications' own settings",
  description: 'Whether each setting has a value, and the one expected of it. Values themselves are never exported.',
  noValue: 'Nothing is known of the settings',
  labels: [
    { label: 'target', title: 'Application', width: 170 },
    { label: 'setting', title: 'Setting' },
  ],
  values: [
    {
      title: 'Value',
      value: by('min', ['target', 'setting'], q(settings.present)),
      states: states.flag('set', 'absent', { bad: 'no', as: 'neutral' }),
      width: 110,
    },
    {
      title: 'As expected',
      value: by('min', ['target', 'setting'], q(settings.matches)),
      states: states.flag('yes', 'NO', { bad: 'no' }),
      missing: 'not compared',
      width: 110,
    },
  ],
})

export const installed = table({
  title: 'Installed packages',
  description: 'Whether each package the application needs is really there, not only listed.',
  noValue: 'Nothing is known of the packages',
  labels: [
    { label: 'target', title: 'Application' },
    { label: 'package', title: 'Package' },
  ],
  values: [
    {
      title: 'Installed',
      value: by('min', ['target', 'package'], q(packages.installed)),
      states: states.flag('yes', 'NO', { bad: 'no' }),
      width: 90,
    },
  ],
})

export const forbidden = table({
  title: 'Deployed code',
  description: 'Whether the deployed file has text in it that must not be there, such as the message of a stub.',
  noValue: 'No file is searched',
  labels: [
    { label: 'target', title: 'Application', width: 150 },
    { label: 'file', title: 'File' },
  ],
  values: [
    {
      title: 'Forbidden text',
      value: by('max', ['target', 'file'], q(packages.forbiddenFound)),
      states: states.flag('FOUND', 'none', { bad: 'yes', as: 'warn' }),
      width: 120,
    },
  ],
})

export const agreement = table({
  title: 'Kept in several places',
  description:
    'Whether the places one secret or one host is kept in agree, pair by pair, and whether a host leads to the primary. Values themselves are never exported.',
  noValue: 'Nothing is compared',
  labels: [
    { label: 'target', title: 'What', width: 170 },
    { label: 'a', title: 'In' },
    { label: 'b', title: 'And in' },
  ],
  values: [
    {
      title: 'Agree',
      value: by('min', ['target', 'a', 'b'], q(drift.agrees)),
      states: states.flag('yes', 'NO', { bad: 'no', as: 'warn' }),
      width: 90,
    },
  ],
})
