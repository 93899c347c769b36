/** The command blocks of README and docs. */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Runbooks have tests of their own (`test/alerts/runbooks.test.ts`): what they name is broken at that moment. */
export const documents: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'deploy/README.md',
  'deploy/helm/mailpath-exporter/README.md',
  'grafana/README.md',
  ...readdirSync(path.join(root, 'docs'))
    .filter(file => file.endsWith('.md'))
    .map(file => `docs/${file}`),
]

export interface ShellBlock {
  /** Such as `docs/running.md:31`. */
  readonly where: string
  readonly language: string
  readonly script: string
  /** Why it is not run: the first line is `# not run here: REASON`. */
  readonly notRun: string | undefined
}

/** A fence, with its indentation in a list, its language, and what is in it. */
const fence = /^( *)```(\S*)[^\n]*\n(.*?)^\1```$/gms

/** The blocks of shell commands of a document. */
export function shellBlocks(file: string): ShellBlock[] {
  const text = readFileSync(path.join(root, file), 'utf8')
  return [...text.matchAll(fence)].flatMap(match => {
    const [, indent = '', language = '', code = ''] = match
    if (!/^(sh|bash|shell|console|zsh)$/.test(language)) return []
    const script = code.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
    const where = `${file}:${text.slice(0, match.index).split('\n').length}`
    return [{ where, language, script, notRun: /^# not run here: (\S[^\n]*)\n/.exec(script)?.[1] }]
  })
}
