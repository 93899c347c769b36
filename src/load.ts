import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'

/** What V8 has made of a program, beside it; for this version of V8 and this kind of processor. */
export const cacheOf = (file: string): string => `${file}.${process.versions.v8}-${process.arch}.cache`

/**
 * Runs a program that was built as one function, `(require, url)`, with what V8 made of it at the build. V8 itself refuses
 * what was made with other flags, and compiles then, as it does where there is none.
 */
export function load(file: string): Script {
  const script = new Script(readFileSync(file, 'latin1'), { filename: file, cachedData: readIfThere(cacheOf(file)) })
  const program = script.runInThisContext() as (require: NodeJS.Require, url: string) => void
  program(require, pathToFileURL(file).href)
  return script
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}
