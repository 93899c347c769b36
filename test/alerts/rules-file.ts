/** The shipped rules and their unit tests, as promtool reads them. */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { z } from 'zod'
import { have } from '../servers/processes.ts'

export const alertsFolder = fileURLToPath(new URL('../../alerts/', import.meta.url))
export const promtool = (): string | undefined => have('promtool')

const texts = z.record(z.string(), z.string())
const rule = z.strictObject({
  alert: z.string().optional(),
  record: z.string().optional(),
  expr: z.string(),
  for: z.string().optional(),
  keep_firing_for: z.string().optional(),
  labels: texts.optional(),
  annotations: texts.optional(),
})
const group = z.strictObject({ name: z.string(), rules: z.array(rule) })
export type Rule = z.infer<typeof rule>
export type RuleGroup = z.infer<typeof group>

const alertCheck = z.strictObject({
  eval_time: z.string(),
  alertname: z.string(),
  exp_alerts: z.array(z.strictObject({ exp_labels: texts, exp_annotations: texts })),
})
const exprCheck = z.strictObject({ eval_time: z.string(), expr: z.string(), exp_samples: z.array(z.unknown()) })
const testGroup = z.strictObject({
  name: z.string(),
  interval: z.string(),
  input_series: z.array(z.strictObject({ series: z.string(), values: z.union([z.string(), z.number()]) })),
  alert_rule_test: z.array(alertCheck).default([]),
  promql_expr_test: z.array(exprCheck).default([]),
})
const testFile = z.strictObject({
  rule_files: z.array(z.string()),
  evaluation_interval: z.string(),
  group_eval_order: z.array(z.string()).optional(),
  tests: z.array(testGroup),
})
export type TestFile = z.infer<typeof testFile>
export type TestGroup = z.infer<typeof testGroup>

const read = (file: string): unknown => parse(readFileSync(path.join(alertsFolder, file), 'utf8'))

export const readRules = (): RuleGroup[] =>
  z.strictObject({ groups: z.array(group) }).parse(read('mailpath.rules.yml')).groups

export const nameOf = (one: Rule): string => one.alert ?? one.record ?? ''

export const testFiles = (): string[] => readdirSync(alertsFolder).filter(file => file.endsWith('.test.yml'))

export const readTests = (): Map<string, TestFile> =>
  new Map(testFiles().map(file => [file, testFile.parse(read(file))]))
