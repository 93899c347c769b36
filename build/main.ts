/**
 * `npm run build [-- <folder>]`: the program as it ships, by default in dist. `main.js` catches signals and loads
 * `exporter.js`, which is all the rest.
 */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = path.resolve(process.argv[2] ?? path.join(root, 'dist'))

rmSync(dist, { recursive: true, force: true })
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { main: 'src/start.ts', exporter: 'src/main.ts' },
  outdir: dist,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  metafile: true,
  // They stay where npm installs them, and are loaded with the first check or request that needs them.
  external: ['@node-rs/bcrypt', 'express', 'imapflow', 'node-vault', 'nodemailer', 'nodemailer/*', 'pg'],
  // `import()` becomes `require()`, or it would load Node's loader of ES modules first.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.filename': '__filename' },
})
keepInBytes(path.join(dist, 'exporter.js'))
writeFileSync(path.join(dist, 'package.json'), '{ "type": "commonjs" }\n')
writeFileSync(path.join(dist, 'THIRD-PARTY.txt'), notices(Object.keys(metafile.inputs)))

/**
 * V8 keeps the source of a program in memory, and one character that is not in Latin-1 makes all of it twice as large: 2 MB more.
 * esbuild escapes such characters, but not in comments and tagged templates.
 */
function keepInBytes(file: string): void {
  const other = /[^\0-\xff]/gu
  const text = readFileSync(file, 'utf8').replace(/^\s*\/\/.*$/gm, comment => comment.replace(other, '?'))
  const [found] = text.match(other) ?? []
  if (found !== undefined) throw new Error(`${file}: ${found} is not in Latin-1; write it as an escape`)
  writeFileSync(file, text)
}

/** The licences of the packages in the bundle: each asks for its text to go with copies. */
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
