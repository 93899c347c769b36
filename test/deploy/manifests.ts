/** Manifests as an API server would read them, and what it would refuse. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { parseAllDocuments } from 'yaml'

/** An object of Kubernetes, as far as every kind has it. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

/** The documents of a rendered text; those with nothing but comments are none. */
const manifestsIn = (text: string): Manifest[] =>
  // As Kubernetes reads YAML: 0440 is octal.
  parseAllDocuments(text, { version: '1.1' }).flatMap(document => {
    if (document.errors[0]) throw document.errors[0]
    return document.contents === null ? [] : [document.toJS() as Manifest]
  })

/** What a command renders: longer than what is kept of a server's log. */
export async function rendered(command: string, args: readonly string[]): Promise<Manifest[]> {
  const { stdout } = await promisify(execFile)(command, args, { maxBuffer: 16_777_216 })
  return manifestsIn(stdout)
}

/** The one object of this kind. */
export function only<Kind>(manifests: readonly Manifest[], kind: string): Kind {
  const found = manifests.filter(one => one.kind === kind)
  if (found.length !== 1) throw new Error(`${found.length} of kind ${kind}, and not one`)
  return found[0] as Kind
}

/** The packages for what Kubernetes has not itself. */
const packages: Readonly<Record<string, string>> = {
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
}
/** Where the types and the validators of an API are. */
const moduleOf = ({ apiVersion, kind }: Manifest): string =>
  `${packages[apiVersion.split('/')[0] ?? ''] ?? 'kubernetes-models'}/${apiVersion}/${kind}`

type Model = new (manifest: Manifest) => { validate(): void }

/** By the schemas of the API: values out of range, patterns, what is required. */
async function bySchema(manifest: Manifest): Promise<string[]> {
  const models = (await import(moduleOf(manifest))) as Readonly<Record<string, Model>>
  const Kind = models[manifest.kind]
  if (Kind === undefined) return [`${manifest.apiVersion} has no ${manifest.kind}`]
  try {
    new Kind(manifest).validate()
    return []
  } catch (error) {
    return [`${manifest.kind} ${manifest.metadata.name}: ${String(error)}`]
  }
}

/** By the compiler: fields that the API does not know, which the schemas let pass and a server refuses. */
function byType(manifests: readonly Manifest[]): string[] {
  // It only has to lie where the packages are found.
  const file = fileURLToPath(new URL('manifests.generated.ts', import.meta.url))
  const source = manifests
    .map((one, i) => `export const m${i}: import('${moduleOf(one)}').I${one.kind} = ${JSON.stringify(one)}`)
    .join('\n')
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
  }
  const host = ts.createCompilerHost(options)
  const onDisk = { ...host }
  host.fileExists = name => name === file || onDisk.fileExists(name)
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2023) : onDisk.getSourceFile(name, ...rest)
  return ts
    .getPreEmitDiagnostics(ts.createProgram([file], options, host))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

/** What a client-side `kubectl apply` writes into an annotation has to fit in there. */
const longestAnnotation = 262_144

const tooLong = (manifest: Manifest): string[] =>
  JSON.stringify(manifest).length < longestAnnotation ? [] : [`${manifest.kind} ${manifest.metadata.name}: too long`]

/** All that an API server would refuse. */
export async function refused(manifests: readonly Manifest[]): Promise<string[]> {
  const bySchemas = await Promise.all(manifests.map(bySchema))
  return [...bySchemas.flat(), ...byType(manifests), ...manifests.flatMap(tooLong)]
}
