import { createHash } from 'node:crypto'

/**
 * The script of the page. Everything works without it. It filters as one types, and it loads the page again, but not while
 * somebody types; what was unfolded stays so. It runs in browsers, so it is text here. Its lines begin as those of the page
 * do (`layout.ts`): a browser runs exactly what the hash stands for.
 */
export const script = `(() => {
  const box = document.getElementById('q'), at = document.documentElement.dataset, key = 'mailpath'
  const kept = JSON.parse(sessionStorage.getItem(key) || '{}')
  const all = selector => [...document.querySelectorAll(selector)]
  sessionStorage.removeItem(key)
  for (const one of all('details[id]')) if (kept[one.id] !== undefined) one.open = kept[one.id]
  if (kept.focus) document.getElementById(kept.focus)?.focus({ preventScroll: true })
  if (box) {
    const served = box.value.trim().toLowerCase(), rows = all('.checks li[class]'), told = document.querySelector('.tally span')
    const first = told.textContent, opened = new Map(all('.checks .group').map(one => [one, one.open]))
    box.addEventListener('input', () => {
      const q = box.value.trim().toLowerCase(), url = new URL(location)
      if (!q.includes(served)) return box.form.requestSubmit()
      const found = rows.filter(row => !(row.hidden = !row.querySelector('a, h3').textContent.trim().toLowerCase().includes(q)))
      for (const [one, open] of opened) {
        one.hidden = !one.querySelector('li[class]:not([hidden])')
        one.open = q === served ? open : true
      }
      told.textContent = q === served ? first : found.length + ' found'
      if (q) url.searchParams.set('q', q)
      else url.searchParams.delete('q')
      history.replaceState(null, '', url)
    })
    document.getElementById('verdict').addEventListener('change', () => box.form.requestSubmit())
  }
  if (!at.refresh) return
  const load = () => {
    if (document.activeElement === box) return setTimeout(load, 1000)
    const open = Object.fromEntries(all('details[id]').map(one => [one.id, one.open]))
    sessionStorage.setItem(key, JSON.stringify({ ...open, focus: document.activeElement?.id }))
    location.reload()
  }
  setTimeout(load, at.refresh * 1000)
})()`.replace(/\n\s+/g, '\n')

/** What the content policy has to allow for it: https://www.w3.org/TR/CSP3/#grammardef-hash-source */
export const scriptHash = `'sha256-${createHash('sha256').update(script).digest('base64')}'`
