/** Links and anchors of the README, of docs/ and of the examples lead somewhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folders = [
  '.',
  'docs',
  'bench',
  ...readdirSync(join(root, 'examples')).map((name) => `examples/${name}`),
]
const pages = folders
  .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)))
  .filter((name) => name.endsWith('.md'))

const withoutCode = (text: string) => text.replaceAll(/^```[\s\S]*?^```/gm, '')

/** What GitHub makes of a heading. */
function anchorsOf(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>()
  const anchors = new Set<string>()
  for (const [, heading = ''] of withoutCode(text).matchAll(/^#{1,6} (.+)$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')
    const times = seen.get(anchor) ?? 0
    seen.set(anchor, times + 1)
    anchors.add(times === 0 ? anchor : `${anchor}-${times}`)
  }
  return anchors
}

/** The targets of a page's links that are in this repository. */
function linksOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
}

const read = (path: string) => readFileSync(resolve(root, path), 'utf8')

/** Why a link leads nowhere; undefined where it leads somewhere. */
function fault(page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : relative(root, resolve(root, dirname(page), path))
  if (!existsSync(resolve(root, target))) return `${page}: ${link}: there is no ${target}`
  if (anchor !== undefined && !anchorsOf(read(target)).has(anchor))
    return `${page}: ${link}: ${target} has no heading ${anchor}`
  return undefined
}

test.each(pages)('every link of %s leads somewhere', (page) => {
  expect(linksOf(read(page)).flatMap((link) => fault(page, link) ?? [])).toEqual([])
})

test('a link to nothing is found, be it a file or a heading', () => {
  expect(fault('README.md', 'docs/nowhere.md')).toContain('there is no docs/nowhere.md')
  expect(fault('docs/pools.md', '#nowhere')).toContain('has no heading nowhere')
  expect(fault('docs/pools.md', '../README.md#see-it-run')).toBeUndefined()
})

test('every page of docs/ is linked from the README', () => {
  const links = linksOf(read('README.md'))
  const left = readdirSync(join(root, 'docs')).filter(
    (name) => name.endsWith('.md') && !links.some((link) => link.startsWith(`docs/${name}`)),
  )
  expect(left).toEqual([])
})
