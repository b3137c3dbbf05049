/** The code of a page of docs/, run as it stands. */
import { readFileSync } from 'node:fs'

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
  ...source: string[]
) => (...given: unknown[]) => Promise<void>

/** The text of a page. @param name `pools.md` */
function pageText(name: string): string {
  return readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')
}

/** The blocks of code of a page, in their order. */
export function codeOf(name: string): string[] {
  return [...pageText(name).matchAll(/^```[jt]s\n([\s\S]*?)^```/gm)].map(([, code]) => code as string)
}

/** Runs a block with the names that it does not make itself. What it imports is among them. */
export async function runCode(code: string, given: Readonly<Record<string, unknown>>): Promise<void> {
  const body = code.replaceAll(/^import .*$/gm, '').replaceAll(/^export /gm, '')
  const names = Object.keys(given).filter((name) => !new RegExp(`^const ${name} =`, 'm').test(body))
  await new AsyncFunction(...names, body)(...names.map((name) => given[name]))
}
