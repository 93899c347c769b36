import { visible } from '../core/shown.ts'

/** Markup. Only `html` makes it. */
export interface Html {
  readonly markup: string
}
type Value = string | number | Html | undefined | readonly (Html | undefined)[]

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escape = (text: string): string => visible(text).replace(/[&<>"']/g, char => entities[char] ?? char)

function toMarkup(value: Value): string {
  if (value === undefined) return ''
  if (typeof value === 'string' || typeof value === 'number') return escape(String(value))
  return 'markup' in value ? value.markup : value.map(toMarkup).join('')
}

/** Makes markup. Each value is made visible and escaped, for text and for quoted attributes. Undefined is left out. */
export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Html => ({
  markup: String.raw({ raw: parts }, ...values.map(toMarkup)),
})

/** Our own markup, with nothing from outside in it. */
export const ownMarkup = (markup: string): Html => ({ markup })
