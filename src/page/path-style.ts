/**
 * The style of the picture: two columns of boxes beside a bracket. The wires are borders, so that they print and stay
 * visible in forced colours. A wire is solid for ok, thick for fail and dashed for unknown.
 */
export const pathStyle = `
.path { display: grid; grid-template-columns: minmax(0, 15rem) minmax(0, 1fr); gap: 3.5rem; align-items: center }
.path + .path { margin-top: 2.5rem }
.pictures details { margin-top: 1rem }
.pictures details[open] summary { margin-bottom: 1rem }
.pictures summary .icon { margin: 0 0 -.1em }

.box { display: flex; gap: .6rem; width: 100%; min-width: 0; padding: .55rem .8rem; line-height: 1.35;
  border: 1px solid var(--line); border-radius: .6rem; background: var(--surface) }
.box > div { min-width: 0 }
.box.warn { border-color: var(--warn); background: var(--warn-tint) }
.box.fail { border-color: var(--fail); background: var(--fail-tint) }
.box.unknown { border: 1px dashed var(--unknown); background: var(--unknown-tint) }
.box .icon { margin-top: .15em }
.box .name { color: inherit; font-weight: 600; text-decoration-line: none }
.box a.name:hover { text-decoration-line: underline }

.tag { display: inline-block; padding: 0 .45em; border: 1px solid var(--line); border-radius: .3em;
  background: var(--surface); color: var(--quiet); font-size: .8rem; font-weight: 400 }
.tag.primary { border-color: var(--text); background: var(--text); color: var(--surface) }
.tag.second-primary { border-color: var(--fail-solid); background: var(--fail-solid); color: #fff }
.tag.role-unknown, .tag.stale { border: 1px dashed var(--unknown); color: var(--unknown) }

.app { position: relative }
.tall .app { position: sticky; top: 1rem; align-self: start; margin-top: 2rem }
.app .box { display: block; padding: 1rem }
.app li { display: flex; gap: .5rem; margin-top: .5rem; font-size: .9rem }
.app li .name { font-weight: 400 }
.app::after { content: ''; position: absolute; top: 50%; left: 100%; width: 3.5rem; border-top: 2px solid var(--rail) }

.lanes { display: grid; gap: 1.5rem; padding: .5rem 0 .5rem 2rem; border-left: 2px solid var(--rail); border-radius: 1rem 0 0 1rem }
.lane h3 { display: flex; flex-wrap: wrap; gap: 0 .75rem; margin-bottom: .3rem; font-size: .9rem; font-weight: 600 }
.lane .note, .hidden, .idle > p { color: var(--quiet); font-size: .9rem; font-weight: 400 }
.trouble { display: flex; gap: .5rem; margin-bottom: .4rem; font-size: .9rem }

.join { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 5rem }
.join > ul { display: flex; flex-direction: column }
.join li { --wire: var(--ok); --stroke: 2px solid; --half: 1px; position: relative; display: flex; flex: 1 1 auto; align-items: center; padding-block: .3rem }
.join li.warn { --wire: var(--warn) }
.join li.fail { --wire: var(--fail); --stroke: 4px solid; --half: 2px }
.join li.unknown { --wire: var(--unknown); --stroke: 2px dashed }
.wire { position: absolute; top: 50%; border-top: var(--stroke) var(--wire); transform: translateY(-50%) }
.from .wire { left: -2rem; width: 2rem }
.from .wire.out { left: 100%; width: 2.5rem }
.through .wire { width: calc(100% + 4.5rem) }
.wire .icon { position: absolute; top: 50%; left: .5rem; width: 1.4rem; height: 1.4rem; margin: 0; padding: .15rem;
  background: var(--ground); transform: translateY(calc(-50% - var(--half))) }
.to .wire { left: -2.5rem; width: 2.5rem }
.to .wire::after { content: ''; position: absolute; top: 50%; right: 0; border: .4rem solid transparent;
  border-left: .6rem solid var(--wire); border-right: 0; transform: translateY(calc(-50% - var(--half))) }
.join li::after { position: absolute; top: 0; bottom: 0; border-left: var(--stroke) var(--wire); transform: translateX(-50%) }
.from li:not(:only-child)::after { content: ''; left: calc(100% + 2.5rem) }
.to li:not(:only-child)::after { content: ''; left: -2.5rem }
.join li:first-child::after { top: 50% }
.join li:last-child::after { bottom: 50% }

.idle { margin: .3rem 0 0 calc(50% + 2.5rem) }
.idle.wide { margin-left: 0 }
.idle ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 13rem), 1fr)); gap: .5rem; margin-top: .2rem }
.idle:not(.wide) ul { grid-template-columns: minmax(0, 1fr) }
.idle li { display: flex }

@media (max-width: 62rem) {
  .path { grid-template-columns: minmax(0, 1fr); gap: 1rem }
  .tall .app { position: relative; top: 0; margin: 0 }
  .app::after { top: 100%; left: 1.5rem; width: 0; height: 1rem; border: 0; border-left: 2px solid var(--rail) }
  .lanes { margin-left: 1.5rem; border-radius: 0 0 0 1rem }
}
@media (max-width: 46rem) {
  .app::after { left: .5rem }
  .idle { margin-left: 2.75rem }
  .idle.wide ul { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) }
  .idle.wide .box { gap: .4rem; padding: .4rem .5rem }
  .idle.wide .detail { font-size: .8rem }
  .lanes { margin-left: .5rem; padding: .25rem 0 .25rem 1.25rem }
  .join { grid-template-columns: minmax(0, 1fr); gap: 0; padding-bottom: .6rem }
  .from .wire { left: -1.25rem; width: 1.25rem }
  .from .wire.out { top: auto; bottom: -.3rem; left: 1.25rem; width: 0; height: .6rem }
  .from li:not(:last-child) .wire.out { display: none }
  .to { padding-left: 2.75rem }
  .to .wire { left: -1.5rem; width: 1.5rem }
  .direct .from, .direct .to li::before { display: none }
  .direct .to { padding-left: 0 }
  .direct .to .wire { left: -1.25rem; width: 1.25rem }
  .join li:not(:only-child)::after { content: none }
  .to li::before { content: ''; position: absolute; top: -.35rem; bottom: 50%; left: -1.5rem; border-left: var(--stroke) var(--wire); transform: translateX(-50%) }
  .to li:not(:first-child)::before { top: -50% }
}
`
