/** Runs promtool over files of its own, and says what it said. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROMTOOL } from './programs.ts'

/** What it ended with; the file names are left as they are given. */
export interface Verdict {
  readonly code: number | null
  readonly said: string
}

/** Runs `promtool …args` in a folder that has these files for its time. @param input what it reads on its standard input */
export function promtool(
  args: readonly string[],
  files: Readonly<Record<string, string>>,
  input = '',
): Verdict {
  if (PROMTOOL.file === undefined) throw new Error('BUG: the project promtool runs without promtool')
  const folder = mkdtempSync(join(tmpdir(), 'sluice-promtool-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const { status, stdout, stderr } = spawnSync(PROMTOOL.file, args, {
      cwd: folder,
      encoding: 'utf8',
      input,
    })
    return { code: status, said: `${stdout}${stderr}` }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
