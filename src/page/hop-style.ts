/** The style of what stands between write paths and nodes, or secrets and mailboxes, and of the marks of nodes. Only pages with such targets have it. */
export const hopStyle = `
.tag.UP { border-color: var(--text); background: var(--text); color: var(--surface) }
.tag.holds-the-lock { border-color: var(--text); color: var(--text); font-weight: 600 }
.tag.MAINT, .tag.DRAIN, .tag.paused, .tag.disabled { border-color: var(--warn); color: var(--warn) }
.tag.status-unknown { border: 1px dashed var(--unknown); color: var(--unknown) }

.hops .join { grid-template-columns: minmax(0, 2.6fr) minmax(0, 1fr); gap: 3.5rem }
.hops .idle:not(.wide) { margin-left: calc(100% - (100% - 3.5rem) / 3.6) }
.hops .box { gap: .45rem; padding-inline: .6rem }
.hops .from .box { flex: 1 1 0; width: auto }
.hop { flex: none; width: 1.5rem; border-top: var(--stroke) var(--wire) }
.hops .from .wire.out { width: 1.75rem }
.hops .from .wire.out .icon { left: .2rem }
.hops .to .wire { left: -1.75rem; width: 1.75rem }
.hops .from li:not(:only-child)::after { left: calc(100% + 1.75rem) }
.hops .to li:not(:only-child)::after { left: -1.75rem }
.servers { margin-top: .35rem; font-size: .9rem }
.servers .name { font-weight: 400 }
.join .servers li { display: flex; flex-wrap: wrap; flex: none; align-items: baseline; gap: 0 .4rem; padding-block: .1rem }
.join .servers li::after, .join .servers li::before { content: none !important }
.servers .detail { font-size: .85rem }

@media (max-width: 46rem) {
  .hops .join { grid-template-columns: minmax(0, 1fr); gap: 0 }
  .hops .idle:not(.wide) { margin-left: 2.75rem }
  .hops .from > li { flex-direction: column; align-items: stretch }
  .hops .from .box { flex: none }
  .hops .from > li:has(.hop) > .wire:not(.out) { top: 1.9rem }
  .hop { width: 0; height: .7rem; margin-left: 1.25rem; border-top: 0; border-left: var(--stroke) var(--wire); transform: translateX(-50%) }
  .hops .from .wire.out { width: 0 }
  .hops .to .wire { left: -1.5rem; width: 1.5rem }
}
`
