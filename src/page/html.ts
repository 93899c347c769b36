import { visible } from '../core/shown.ts'

/** Text that is markup already. Only `html` makes it. */
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

/** Markup with every value in it shown and escaped, for text and for attributes in quotes. Undefined is nothing. */
export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Html => ({
  markup: String.raw({ raw: parts }, ...values.map(toMarkup)),
})

/** Markup of our own, with nothing in it that comes from outside. */
export const ownMarkup = (markup: string): Html => ({ markup })
