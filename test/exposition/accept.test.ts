import { describe, expect, it } from 'vitest'
import { formatFor } from '../../src/exposition/accept.ts'
import { contentTypes } from '../../src/exposition/text-format.ts'

describe('the format by the Accept header', () => {
  const prometheus2 =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  it.each([
    [undefined, 'prometheus'],
    ['', 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'prometheus'],
    [prometheus2, 'openmetrics'],
    ['application/openmetrics-text; version=1.0.0; charset=utf-8', 'openmetrics'],
    ['application/openmetrics-text;q=0.2,text/plain;q=0.9', 'prometheus'],
    ['text/plain;q=0.2,application/openmetrics-text;q=0.9', 'openmetrics'],
    ['Application/OpenMetrics-Text; Version="1.0.0"', 'openmetrics'],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['application/openmetrics-text;version=2.0.0', 'prometheus'],
    ['application/openmetrics-text;q=much', 'prometheus'],
    ['application/json', 'prometheus'],
    [';;;q=,,=', 'prometheus'],
  ] as const)('%s → %s', (accept, format) => expect(formatFor(accept)).toBe(format))

  it('is the one the content type names', () => {
    expect(contentTypes.prometheus).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(contentTypes.openmetrics).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
  })
})
