/**
 * `npm run build [-- <folder>]`: the program as it ships, by default in dist. All that a start needs is one file, with what
 * V8 makes of it beside it; of what is loaded later (`later`) the packages are left where npm installs them.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type BuildOptions } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = path.resolve(process.argv[2] ?? path.join(root, 'dist'))
const work = mkdtempSync(path.join(os.tmpdir(), 'mailpath-build-'))
const later = ['@node-rs/bcrypt', 'express', 'node-vault', 'nodemailer', 'nodemailer/*', 'pg']

const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  charset: 'utf8',
  legalComments: 'none',
  absWorkingDir: root,
} as const satisfies BuildOptions

try {
  rmSync(dist, { recursive: true, force: true })
  const bundle = path.join(dist, 'exporter.js')
  const { metafile } = await build({
    ...common,
    entryPoints: ['src/main.ts'],
    outfile: bundle,
    external: later,
    // `import()` of those would go through the loader of ES modules.
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': 'url' },
    banner: { js: '(function (require, url) {' },
    footer: { js: '})' },
    metafile: true,
  })
  writeFileSync(bundle, inAscii(readFileSync(bundle, 'utf8')))
  await build({ ...common, entryPoints: ['src/start.ts'], outfile: path.join(dist, 'main.js') })
  chmodSync(path.join(dist, 'main.js'), 0o755)
  writeFileSync(path.join(dist, 'package.json'), '{ "type": "commonjs" }\n')
  writeFileSync(path.join(dist, 'THIRD-PARTY.txt'), notices(Object.keys(metafile.inputs)))
  await compileAhead(bundle)
} finally {
  rmSync(work, { recursive: true })
}

/**
 * Text in ASCII is read faster, and V8 keeps it in half the memory of one with a single letter of any other script. Of
 * itself esbuild escapes none in templates and regular expressions, where an escape says the same.
 */
function inAscii(program: string): string {
  return program.replace(/[^\0-\x7f]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The licences of the packages that are part of the bundle: each asks for its text to go with copies. */
function notices(inputs: readonly string[]): string {
  const folders = new Set(inputs.flatMap(file => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []))
  const texts = [...folders].sort().map(folder => {
    const inside = path.join(root, folder)
    const { name, version, license } = JSON.parse(readFileSync(path.join(inside, 'package.json'), 'utf8')) as Readonly<
      Record<'name' | 'version' | 'license', string>
    >
    const file = readdirSync(inside).find(name => /^licen[cs]e/i.test(name))
    if (file === undefined) throw new Error(`${folder} has no licence that could be shipped with it`)
    return `${name} ${version} (${license})\n\n${readFileSync(path.join(inside, file), 'utf8').trim()}\n`
  })
  return `exporter.js contains parts of:\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`
}

async function compileAhead(bundle: string): Promise<void> {
  const warm = path.join(work, 'warm.cjs')
  await build({ ...common, entryPoints: ['build/warm.ts'], outfile: warm })
  // With no flags but those of a start.
  execFileSync(process.execPath, [warm, bundle, work], {
    env: {},
    stdio: 'inherit',
    timeout: 60_000,
  })
}
