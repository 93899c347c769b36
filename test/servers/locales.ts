/** Other languages that a server can speak: its translations, which Debian's packages have, and the locales of the machine. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rewindBinaries } from './postgres-binaries.ts'

/** Two that share no word with English, nor with one another. */
export const languages = ['de_DE', 'ja_JP'] as const
type Language = (typeof languages)[number]

export const languageInstall = (language: Language): string =>
  `apt-get install postgresql-15 locales; localedef -i ${language} -f UTF-8 ${language}.UTF-8`

/** The binaries of a server that speaks it, or undefined. */
export function speaking(language: Language): string | undefined {
  const { stdout, error } = spawnSync('locale', ['-a'], { encoding: 'utf8', timeout: 10_000 })
  if (error) return undefined
  const binaries = rewindBinaries()
  const translated = existsSync(`/usr/share/locale/${language.slice(0, 2)}/LC_MESSAGES/postgres-15.mo`)
  return stdout.split('\n').includes(`${language}.utf8`) && translated ? binaries : undefined
}
