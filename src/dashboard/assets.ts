/** The files of the page, read once: nothing that a request says is ever a path. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'

/** One file. */
export interface Asset {
  readonly body: Buffer
  readonly type: string
  readonly etag: string
}

/** The page, and what it loads by name. */
export interface Assets {
  readonly page: Asset
  readonly byName: ReadonlyMap<string, Asset>
}

const PAGE = 'index.html'
const UPLOT = ['uPlot.esm.js', 'uPlot.min.css']

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
}

/** @param folder where the page is, @param title takes the place of the one that the page has. @throws where there is no page */
export async function readAssets(folder: string, title: string | undefined): Promise<Assets> {
  const uplot = dirname(createRequire(import.meta.url).resolve('uplot'))
  const own = (await filesIn(folder)).filter((name) => extname(name) in TYPES)
  const read = async (from: string, name: string) =>
    [name, assetOf(name, await readFile(join(from, name)), title)] as const
  const byName = new Map(
    await Promise.all([...UPLOT.map((name) => read(uplot, name)), ...own.map((name) => read(folder, name))]),
  )
  const page = byName.get(PAGE)
  if (page === undefined) throw new Error(`there is no ${PAGE} in ${folder}: the package is not whole`)
  byName.delete(PAGE)
  return { page, byName }
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}

function assetOf(name: string, content: Buffer, title: string | undefined): Asset {
  const body = name === PAGE && title !== undefined ? titled(content, title) : content
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  return { body, type: TYPES[extname(name)] as string, etag }
}

function titled(page: Buffer, title: string): Buffer {
  const safe = title.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return Buffer.from(page.toString().replace(/<title>.*?<\/title>/s, () => `<title>${safe}</title>`))
}
