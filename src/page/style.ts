import type { Verdict } from '../core/probe.ts'
import { listStyle } from './list-style.ts'
import { pathStyle } from './path-style.ts'

/** Colours of the icon in the browser's tab, for light and dark ones. */
export const tints: Readonly<Record<Verdict, string>> = {
  ok: '#1f8f55',
  warn: '#c98500',
  fail: '#d63a2f',
  unknown: '#737aa6',
}

/** For each verdict: the colour of text, a tint behind text, and a solid behind the answer. All have contrast AA or better. */
const colours = `
:root { color-scheme: light dark;
  --ground: #f5f6f8; --surface: #fff; --text: #171a1f; --quiet: #586070; --line: #d9dde4; --rail: #aeb6c3; --link: #1d4f91;
  --ok: #17703f; --ok-solid: #17703f;
  --warn: #7f5300; --warn-tint: #fdf2d8; --warn-solid: #f2b632;
  --fail: #b3261e; --fail-tint: #fdeceb; --fail-solid: #b3261e;
  --unknown: #4b5178; --unknown-tint: #eceef6; --unknown-solid: #4b5178;
  --sans: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif;
  --mono: ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace }
@media (prefers-color-scheme: dark) { :root {
  --ground: #0f1217; --surface: #171b22; --text: #e7e9ed; --quiet: #9ba4b3; --line: #2c333e; --rail: #566072; --link: #9cc4ff;
  --ok: #5ccb8b; --ok-solid: #155c37;
  --warn: #efbd4a; --warn-tint: #2b2210; --warn-solid: #cf961f;
  --fail: #ff8b80; --fail-tint: #331614; --fail-solid: #a1241c;
  --unknown: #b0b7dc; --unknown-tint: #1e2131; --unknown-solid: #454b73 } }
`

const base = `
* { box-sizing: border-box; margin: 0 }
[hidden] { display: none !important }
html { font-size: clamp(1rem, .65rem + .45vw, 2rem); -webkit-text-size-adjust: 100% }
body { max-width: 76rem; margin-inline: auto; padding: 1rem clamp(.75rem, 3vw, 2.5rem) 3rem; background: var(--ground);
  color: var(--text); font: 1rem/1.5 var(--sans); font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
ul, ol { padding: 0; list-style: none }
a { color: var(--link); text-decoration-color: color-mix(in srgb, currentColor 40%, transparent); text-underline-offset: .2em }
a:hover { text-decoration-color: currentColor }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
summary { cursor: pointer }
code, .code { font: .85em var(--mono) }
.code { display: inline-block }
header { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; margin-bottom: .75rem; color: var(--quiet); font-size: .9rem }
h1 { font: inherit }
h2 { margin: 3rem 0 1rem; font-size: 1.25rem; line-height: 1.2; letter-spacing: -.01em }
h3 { font-size: 1rem }
.name { unicode-bidi: isolate }
.word { font-weight: 600 }
.remedy, .detail, .evidence { color: var(--quiet); font-size: .9rem }
.sprite { position: absolute; width: 0; height: 0 }
.aside { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.icon { flex: none; width: 1em; height: 1em; margin-top: .25em; fill: currentColor; fill-rule: evenodd }
.icon.ok, .word.ok { color: var(--ok) }
.icon.warn, .word.warn { color: var(--warn) }
.icon.fail, .word.fail { color: var(--fail) }
.icon.unknown, .word.unknown { color: var(--unknown) }
footer { margin-top: 3rem; color: var(--quiet); font-size: .85rem }
`

const headlineStyle = `
.starved { margin-bottom: 1rem; padding: 1rem clamp(1.1rem, 3.5vw, 2.75rem); border-radius: .9rem; outline: 1px solid var(--unknown);
  background: var(--unknown-tint) }
.starved .reason { display: flex; gap: .6rem; margin: 0; padding: 0; border: 0 }
.starved .reason + .reason { margin-top: .75rem }
.starved .text { font-weight: 600 }
.headline { --on: #fff; overflow: hidden; margin-bottom: 1rem; border-radius: .9rem; outline: 1px solid transparent;
  background: var(--surface) }
.headline.ok { --solid: var(--ok-solid) }
.headline.warn { --solid: var(--warn-solid); --on: #1f1600 }
.headline.fail { --solid: var(--fail-solid) }
.headline.unknown { --solid: var(--unknown-solid) }
.answer { display: flex; gap: clamp(.9rem, 2.5vw, 2rem); padding: clamp(1.25rem, 3.5vw, 2.75rem) clamp(1.1rem, 3.5vw, 2.75rem);
  background: var(--solid); color: var(--on) }
.unknown .answer { background-image: repeating-linear-gradient(-45deg, #0003 0 .7rem, #0000 .7rem 1.4rem) }
.answer > .icon { width: clamp(2.25rem, 6vw, 4.5rem); height: clamp(2.25rem, 6vw, 4.5rem); margin: 0; color: inherit }
.answer > div { min-width: 0 }
.answer a { color: inherit }
.answer h2 { margin: 0; font-size: clamp(1.9rem, .9rem + 4vw, 4.25rem); line-height: 1.05; letter-spacing: -.025em;
  text-wrap: balance; overflow-wrap: break-word }
.whose { margin-bottom: .3rem }
.cause { margin-top: 1rem; font-size: 1.15rem; line-height: 1.4 }
.do { width: fit-content; margin-top: 1rem; padding: .7rem 1rem; border-radius: .5rem; outline: 1px solid transparent; background: #fff; color: #171a1f;
  font-size: 1.15rem; line-height: 1.4 }
.answer .evidence { margin-top: 1rem; color: inherit }
.code-line { margin-top: .3rem; font-size: .9rem }
.rest { margin-top: .75rem; color: var(--quiet) }
.others { padding: 1.25rem clamp(1.1rem, 3.5vw, 2.75rem) }
.others + .others { border-top: 1px solid var(--line) }
.others h3 { color: var(--quiet); font-size: .9rem; font-weight: 600 }
.others li { display: flex; gap: .6rem; margin-top: .5rem }
.others .since { color: var(--quiet) }
.one-of-many .answer h2 { font-size: clamp(1.6rem, 1rem + 2.5vw, 2.6rem) }
.fine { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: 1rem }
.fine .headline { margin: 0 }
.fine .answer { gap: .9rem; height: 100%; padding: 1rem 1.25rem }
.fine .answer h2 { font-size: 1.35rem; letter-spacing: -.01em }
.fine .answer > .icon { width: 2rem; height: 2rem; margin-top: .35rem }
@media (max-width: 46rem) { .answer { flex-direction: column } .fine .answer { flex-direction: row } }
`

const checkStyle = `
.tally { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin-bottom: .75rem; color: var(--quiet) }
.tally span { display: flex; gap: .4rem }
.checks ol { border-radius: .9rem; background: var(--surface) }
.check { display: grid; grid-template-columns: auto minmax(0, 1fr) 16rem; gap: .25rem .75rem; padding: .9rem 1.25rem; scroll-margin-top: 1rem }
.check + .check { border-top: 1px solid var(--line) }
.check:target { border-radius: .5rem; outline: 2px solid var(--link); outline-offset: -2px }
.check h3 { font-weight: 400 }
.check h3 .name { font-weight: 600 }
.check h3 .word, .check h3 .tag { margin-left: .4rem }
.check .since { color: var(--quiet); font-size: .9rem }
.probe { color: var(--quiet) }
.why summary { color: var(--quiet) }
.unfolded { scroll-margin-top: 6rem }
.unfolded:target { outline: 2px solid var(--link); outline-offset: .3rem }
.reason { margin-top: .5rem; padding-left: .75rem; border-left: 2px solid var(--line) }
.reason.first { margin-top: .15rem; padding-left: 0; border: 0 }
.reason:not(.first) .text { font-size: .9rem }
.run, .failed { color: var(--quiet); font-size: .85rem }
.run summary { display: flex; flex-wrap: wrap; gap: 0 .6rem; align-items: end; list-style: none }
.run summary::-webkit-details-marker { display: none }
.run summary span { white-space: nowrap }
.run summary span::after { content: ' ▸' / '' }
.run[open] summary span::after { content: ' ▾' / '' }
.failed { grid-column: 3 }
.run dl { display: grid; grid-template-columns: 1fr auto; gap: 0 1rem; margin-top: .25rem }
.run dd { text-align: right }
.strip { display: block; flex: 1 1 8rem; min-width: 0; height: 1.25rem }
.strip path { fill: none; stroke-dasharray: 4 1 }
.strip .ok { stroke: var(--ok); stroke-width: 8 }
.strip .warn { stroke: var(--warn); stroke-width: 13 }
.strip .fail { stroke: var(--fail); stroke-width: 20 }
.strip .unknown { stroke: var(--unknown); stroke-width: 20; stroke-dasharray: 1 2 1 1 }
.strip .ground { stroke: var(--line); stroke-width: 1; stroke-dasharray: none }
.stale .strip { opacity: .45 }
@media (max-width: 46rem) {
  .check { grid-template-columns: auto minmax(0, 1fr); padding: .9rem 1rem }
  .run, .failed { grid-column: 2 }
  .strip { max-width: 20rem }
}
`

const failuresStyle = `
.failures h1 { font-size: 1.5rem; line-height: 1.2 }
.failures h1 .name { font-weight: 600 }
.failures h2 { margin: 0; font-size: 1rem; letter-spacing: 0 }
.failures .now { display: flex; gap: .4rem; margin: .5rem 0 1rem }
.failures .check { grid-template-columns: auto minmax(0, 1fr); margin-top: .75rem; border: 0; border-radius: .9rem; background: var(--surface) }
.failures details { margin-top: .75rem }
.failures summary { color: var(--link) }
.transcript { width: 100%; margin-top: .5rem; border-collapse: collapse; font: .8rem/1.5 var(--mono) }
.transcript th { color: var(--quiet); font: .8rem var(--sans); text-align: left }
.transcript th, .transcript td { padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
.transcript td { white-space: pre-wrap }
.transcript :is(th, td):first-child { text-align: right }
.transcript td:not(:last-child) { color: var(--quiet); overflow-wrap: normal }
@media (max-width: 46rem) { .transcript td { min-width: 3rem; padding-right: .5rem } .transcript td:not(:last-child) { overflow-wrap: anywhere } }
`

const printStyle = `
@media print {
  body { max-width: none; padding: 0; background: none }
  .answer, .answer > .icon, .do { background: none !important; color: #000 }
  .headline, .do { outline-color: #777 }
  .headline, .check, .box, .join { break-inside: avoid }
}
`

/** The style sheet of the page. */
export const style = [colours, base, headlineStyle, pathStyle, checkStyle, listStyle, failuresStyle, printStyle].join(
  '',
)
