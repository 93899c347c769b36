/** What the tests of the page ask the browser. Scripts as text, since the project is not compiled with the types of the DOM. */

/** How wide the page would like to be. */
export const pageWidth = 'document.documentElement.scrollWidth'

export const backgroundOf = (selector: string): string =>
  `getComputedStyle(document.querySelector(${JSON.stringify(selector)})).backgroundColor`

/** Boxes and rows whose text is wider than they are. */
export const sticksOut = `
[...document.querySelectorAll('.box, .check, .answer, .others, .lane h3, .run')]
  .filter(box => box.scrollWidth > box.clientWidth + 1)
  .map(box => box.textContent.trim().slice(0, 60))`

/** Texts whose contrast with what they stand on is below 4.5: https://www.w3.org/TR/WCAG22/#contrast-minimum */
export const poorContrast = `(() => {
  const rgba = text => [...text.matchAll(/[\\d.]+/g)].map(Number)
  const linear = channel => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4)
  const luminance = rgb => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => sum + weight * linear(rgb[i] / 255), 0)
  const ground = element => {
    if (!element) return [255, 255, 255]
    const own = rgba(getComputedStyle(element).backgroundColor)
    return own.length === 3 || own[3] === 1 ? own : ground(element.parentElement)
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const found = []
  let seen = 0
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement
    const text = node.textContent.trim()
    if (text === '' || !element.checkVisibility()) continue
    seen += 1
    const [dark, light] = [rgba(getComputedStyle(element).color), ground(element)].map(luminance).sort((a, b) => a - b)
    const contrast = (light + 0.05) / (dark + 0.05)
    if (!(contrast >= 4.5)) found.push(contrast.toFixed(2) + ': ' + text.slice(0, 60))
  }
  return seen > 0 ? found : ['there is no text']
})()`

/** What axe finds, in one line each: https://www.deque.com/axe/core-documentation/api-documentation/ */
export const violations = `axe.run().then(({ violations }) =>
  violations.flatMap(({ id, help, nodes }) => nodes.map(node => id + ' (' + help + '): ' + node.html.slice(0, 120))))`

/** What moves by itself, or would when it changes: animations under way, and styles that ask for one. */
export const moving = `[
  ...document.getAnimations().map(one => String(one.animationName ?? one)),
  ...[...document.querySelectorAll('*')].flatMap(element => {
    const { animationName, transitionDuration, scrollBehavior } = getComputedStyle(element)
    return animationName !== 'none' || /[1-9]/.test(transitionDuration) || scrollBehavior === 'smooth' ? [element.outerHTML.slice(0, 80)] : []
  }),
]`
