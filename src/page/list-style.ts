/** The style of lists that may be long: names of mail paths, and checks in groups, with the fields that filter them. */
export const listStyle = `
.elsewhere { margin-bottom: 1rem; color: var(--quiet) }
.paths h3 { margin-top: 1rem }
.paths h3 .icon, .group summary .icon { margin: 0; vertical-align: -.1em }
.names { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 9rem), 1fr)); gap: 0 1rem; margin-top: .3rem }
.names a { display: block; padding-block: .2rem }

.filter { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; margin-bottom: .75rem }
.filter label { color: var(--quiet); font-size: .9rem }
.filter :is(input, select, button) { display: block; min-height: 2.25rem; padding: .2rem .6rem; border: 1px solid var(--rail);
  border-radius: .4rem; background: var(--surface); color: var(--text); font: inherit }
.filter input { width: 18rem; max-width: 100% }
.filter label:first-of-type { flex: 0 1 18rem }

.groups { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); gap: .5rem; align-items: start }
.group { border-radius: .6rem; background: var(--surface) }
.group[open] { grid-column: 1 / -1 }
.group summary { padding: .5rem .9rem }
.checks ol + .group { margin-top: .5rem }
.n { margin-left: .4rem; font-size: .9rem; white-space: nowrap }
.n.ok { color: var(--ok) }
.n.warn { color: var(--warn) }
.n.fail { color: var(--fail); font-weight: 600 }
.n.unknown { color: var(--unknown) }
.lines { padding: 0 .9rem .6rem; font-size: .9rem; color: var(--quiet) }
.lines li { padding: .2rem 0 .2rem 1.3rem; text-indent: -1.3rem }
.lines li::before { display: inline-block; width: 1.3rem; font-weight: 700; text-indent: 0; color: var(--ok); content: '✓' / '' }
.lines .warn::before { color: var(--warn); content: '!' / '' }
.lines .fail::before { color: var(--fail); content: '✕' / '' }
.lines .unknown::before { color: var(--unknown); content: '?' / '' }
`
