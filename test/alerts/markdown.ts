/** What the tests need to know of Markdown: sections, command blocks, links and their anchors. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** A command block, and the section it stands in. */
interface Block {
  readonly section: string
  readonly language: string
  readonly code: string
}

interface Page {
  /** From the root of the project. */
  readonly file: string
  readonly name: string
  readonly text: string
  /** Headings of the second level, in order. */
  readonly sections: readonly string[]
  readonly blocks: readonly Block[]
}

/** A fence, with its indentation in a list, and what is in it. */
const fence = /^( *)```(\w*)\n(.*?)^\1```$/gms

export function readPage(file: string): Page {
  const text = readFileSync(path.join(root, file), 'utf8')
  const titled = text.split(/^## /m).slice(1)
  const headingOf = (part: string): string => part.slice(0, part.indexOf('\n'))
  return {
    file,
    name: path.basename(file, '.md'),
    text,
    sections: titled.map(headingOf),
    blocks: titled.flatMap(part =>
      [...part.matchAll(fence)].map(([, indent = '', language = '', code = '']) => ({
        section: headingOf(part),
        language,
        code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      })),
    ),
  }
}

/** The pages of a folder, none where there is no such folder. */
export const pagesIn = (folder: string): Page[] =>
  existsSync(path.join(root, folder))
    ? readdirSync(path.join(root, folder))
        .filter(file => file.endsWith('.md'))
        .map(file => readPage(`${folder}/${file}`))
    : []

/** Every Markdown file below a folder. */
export const markdownBelow = (folder: string): string[] =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.md'))
    .map(file => path.join(folder, file))

const withoutCode = (text: string): string => text.replace(fence, '').replace(/`[^`\n]*`/g, '')

/** The anchors GitHub gives to the headings: lower case, without punctuation, a hyphen for each blank. */
function anchorsOf(text: string): Set<string> {
  const slugs = [...text.replace(fence, '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
  const seen = new Map<string, number>()
  const numbered = slugs.map(slug => {
    const earlier = seen.get(slug) ?? 0
    seen.set(slug, earlier + 1)
    return earlier === 0 ? slug : `${slug}-${earlier}`
  })
  return new Set(numbered)
}

/** The links of a file that lead nowhere: to no file, or to no heading of it. Those to other sites are not followed. */
export function deadLinks(file: string): string[] {
  const text = readFileSync(path.join(root, file), 'utf8')
  const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  return links
    .filter(link => !/^[a-z]+:/.test(link))
    .filter(link => {
      const [target = '', anchor] = link.split('#')
      const there = target === '' ? path.join(root, file) : path.join(root, path.dirname(file), target)
      if (!existsSync(there)) return true
      return anchor !== undefined && !(statSync(there).isFile() && anchorsOf(readFileSync(there, 'utf8')).has(anchor))
    })
}
