/** The style sheet of the page of incidents. */
export const incidentsStyle = `
.incidents h1 { font-size: 1.5rem; line-height: 1.2; font-weight: 600 }
.incidents > h2 { margin-top: 2rem }
.incident { margin-top: 1rem; padding: 1rem 1.25rem; border-radius: .9rem; background: var(--surface); scroll-margin-top: 1rem }
.incident h2 { display: flex; gap: .5rem; margin: 0; font-size: 1.1rem; letter-spacing: 0 }
.incident h3 { margin-top: .75rem; font-size: .9rem; color: var(--quiet) }
.incident li { display: grid; grid-template-columns: 9rem minmax(0, 1fr); gap: 0 .9rem; padding: .35rem 0 }
.incident details { margin-top: .75rem }
.uptime { width: 100%; border-collapse: collapse; table-layout: fixed }
.uptime th { text-align: left; font-weight: 600 }
.uptime thead th:first-child { width: 30% }
.uptime thead th { color: var(--quiet); font-size: .9rem }
.uptime :is(th, td) { padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
@media (max-width: 46rem) { .incident li { grid-template-columns: minmax(0, 1fr) } }
`
