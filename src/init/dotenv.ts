import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileReader } from '../clients/files.ts'
import { unlessAborted } from '../core/abort.ts'
import { ConfigError } from '../core/errors.ts'
import { misfit, shapes } from '../core/shape.ts'
import { name as targetName } from '../fields/index.ts'
import { dotenvLines, readDotenv } from '../references/dotenv.ts'
import { readText } from '../yaml/read-text.ts'
import { isKeys } from '../yaml/strict.ts'
import type { AppSettings } from './settings.ts'

/** What a sender of mail needs of npm. */
const packagesOfMail = ['nodemailer', '@aws-sdk/client-ses', '@aws-sdk/client-sesv2']

/** The settings in a `.env` file. Throws a ConfigError if it cannot be read. */
export async function dotenvSettings(given: string, signal: AbortSignal): Promise<AppSettings> {
  const file = resolve(given)
  if (shapes.path.read(file) === undefined) throw new ConfigError(`--dotenv: ${misfit(file, shapes.path)}`)
  const text = await readText(file, '--dotenv', { signal })
  const lines = dotenvLines(text)
  const folder = dirname(file)
  const manifest = await manifestIn(folder, signal)
  const installed = await installedIn(folder, manifest, signal)
  const folderName = basename(folder)
  const [app = 'app'] = [manifest['name'], folderName].filter(isName)
  return {
    app,
    place: file,
    values: readDotenv(text, undefined),
    at: key => (lines.has(key) ? `line ${String(lines.get(key))}` : 'missing'),
    reference: (key, more) => ({ dotenv: file, key, ...more }),
    from: { dotenv: file },
    packages: { folder, installed },
  }
}

const isName = (text: unknown): text is string =>
  typeof text === 'string' && text.length <= 60 && targetName.safeParse(text).success && !/^[./]*$/.test(text)

/** The `package.json` beside it; empty if there is none that can be read. */
async function manifestIn(folder: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
  try {
    const data: unknown = JSON.parse(await fileReader()(join(folder, 'package.json'), signal))
    return isKeys(data) ? data : {}
  } catch {
    signal.throwIfAborted()
    return {}
  }
}

async function installedIn(
  folder: string,
  { dependencies }: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<string[]> {
  const declared = packagesOfMail.filter(name => isKeys(dependencies) && Object.hasOwn(dependencies, name))
  const there = await Promise.all(
    declared.map(name =>
      unlessAborted(signal, stat(join(folder, 'node_modules', name, 'package.json'))).then(
        found => found.isFile(),
        () => false,
      ),
    ),
  )
  signal.throwIfAborted()
  return declared.filter((_, i) => there[i])
}
