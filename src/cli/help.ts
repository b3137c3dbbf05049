/** What commander leaves as it is: the text after its lists, made to fit a narrow terminal. */
import { wrap } from './paint.ts'

/** `text` with no line wider than `width`, where words allow it: paragraphs are filled anew, commands continued with a backslash. */
export function fitHelp(text: string, width: number): string {
  return text
    .split('\n\n')
    .flatMap((block) => ['', ...fitBlock(block.split('\n'), width)])
    .slice(1)
    .join('\n')
}

function fitBlock(lines: readonly string[], width: number): string[] {
  if (lines.every((line) => line.length <= width)) return [...lines]
  const fitted: string[] = []
  let paragraph: string[] = []
  const flush = (): void => {
    if (paragraph.length > 0) fitted.push(...wrap(paragraph.join(' '), width))
    paragraph = []
  }
  for (const line of lines) {
    // What ends a list of examples or begins one stands alone.
    if (/^\S.*[^:]$/.test(line)) {
      paragraph.push(line)
      continue
    }
    flush()
    fitted.push(...(line.startsWith('  sluice ') ? fitCommand(line, width) : wrap(line, width, '    ')))
  }
  flush()
  return fitted
}

/** Breaks a command between its words; what stands in quotes is one. */
function fitCommand(line: string, width: number): string[] {
  const lines: string[] = []
  let current = ' '
  for (const word of line.match(/(?:"[^"]*"|[^\s"])+/g) ?? []) {
    if (`${current} ${word} \\`.length > width && current.trim() !== '') {
      lines.push(`${current} \\`)
      current = `    ${word}`
    } else current = `${current} ${word}`
  }
  return [...lines, current]
}
