import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { loaded } from './model.ts'

const here = path.dirname(fileURLToPath(import.meta.url))

/**
 * The JSON as an object literal of the types of the SDK: the compiler refuses what they do not have. They say `any` of
 * a panel's options, so each kind of panel gets those of its own module.
 */
const types = `
import type { Dashboard, Panel, RowPanel, FieldConfig, FieldConfigSource } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus'
import type * as stat from '@grafana/grafana-foundation-sdk/stat'
import type * as table from '@grafana/grafana-foundation-sdk/table'
import type * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline'
import type * as timeseries from '@grafana/grafana-foundation-sdk/timeseries'

// In JSON an enum is its text, and there are no methods.
type Json<T> = 0 extends 1 & T ? T
  : T extends string ? \`\${T}\`
  : T extends readonly (infer Item)[] ? readonly Json<Item>[]
  : T extends object ? { [Key in keyof T as Key extends '_implementsDataqueryVariant' ? never : Key]: Json<T[Key]> }
  : T
interface Of<Type extends string, Options, Custom> extends Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> {
  type: Type
  options: Options
  fieldConfig: Omit<FieldConfigSource, 'defaults'> & { defaults: Omit<FieldConfig, 'custom'> & { custom?: Custom } }
  targets: Dataquery[]
}
type Panels =
  | RowPanel
  | Of<'stat', stat.Options, never>
  | Of<'table', table.Options, table.FieldConfig>
  | Of<'state-timeline', statetimeline.Options, statetimeline.FieldConfig>
  | Of<'timeseries', timeseries.Options, timeseries.FieldConfig>
interface Whole extends Omit<Dashboard, 'panels' | 'annotations'> {
  panels: Panels[]
  annotations: { list: (Omit<NonNullable<Dashboard['annotations']['list']>[number], 'target'> & { target?: Dataquery })[] }
  __requires: { type: string; id: string; name: string; version: string }[]
}
export type File = Json<Whole>
`

/** What the compiler says of each text as a dashboard. */
function complaints(texts: Readonly<Record<string, string>>): Record<string, string[]> {
  const files = new Map([
    [path.join(here, '_types.ts'), types],
    ...Object.entries(texts).map(
      ([name, json]) =>
        [
          path.join(here, `_${name}.ts`),
          `import type { File } from './_types.ts'\nexport const it: File = ${json}`,
        ] as const,
    ),
  ])
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: [],
  }
  const host = ts.createCompilerHost(options)
  const withFiles: ts.CompilerHost = {
    ...host,
    fileExists: file => files.has(file) || host.fileExists(file),
    readFile: file => files.get(file) ?? host.readFile(file),
    getSourceFile: (file, version, ...rest) => {
      const text = files.get(file)
      return text === undefined ? host.getSourceFile(file, version, ...rest) : ts.createSourceFile(file, text, version)
    },
  }
  const program = ts.createProgram([...files.keys()], options, withFiles)
  const told = (name: string): string[] =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(path.join(here, `${name}.ts`)))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
  expect(told('_types')).toEqual([])
  return Object.fromEntries(Object.keys(texts).map(name => [name, told(`_${name}`)]))
}

describe('the dashboards fit the types of the Grafana SDK', { timeout: 60_000 }, () => {
  const [first] = loaded
  const broken = {
    unknownKey: first?.text.replace('"noValue"', '"noValues"') ?? '',
    unknownOption: first?.text.replace('"graphMode"', '"graphModus"') ?? '',
    unknownChoice: first?.text.replace('"colorMode": "background"', '"colorMode": "backdrop"') ?? '',
    unknownPanel: first?.text.replace('"type": "stat"', '"type": "singlestat"') ?? '',
  }
  const found = complaints({
    ...Object.fromEntries(loaded.map(({ dashboard, text }) => [dashboard.uid, text])),
    ...broken,
  })

  it.each(loaded.map(({ dashboard }) => dashboard.uid))('%s', uid => {
    expect(found[uid]).toEqual([])
  })

  it.each(Object.keys(broken))('which refuse an %s', name => {
    expect(found[name]).not.toEqual([])
  })
})
