import { Ajv2020 } from 'ajv/dist/2020.js'
import { incidentsJsonSchema } from '../../docs/generate/incidents-schema.ts'
import { statusJsonSchema } from '../../docs/generate/status-schema.ts'

function problemsBy(schema: object): (value: unknown) => readonly string[] {
  const validate = new Ajv2020({ strict: false, validateFormats: false, allErrors: true }).compile(schema)
  return value => {
    // As it is sent.
    validate(JSON.parse(JSON.stringify(value)))
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message ?? ''}`)
  }
}

/** What is wrong with a status by docs/status.schema.json, a line each. */
export const statusProblems = problemsBy(statusJsonSchema())
/** What is wrong with incidents by docs/incidents.schema.json, a line each. */
export const incidentsProblems = problemsBy(incidentsJsonSchema())
