/** Text for a terminal: colours where they are wanted, bars, columns and numbers of a known width. */

import { stripVTControlCharacters } from 'node:util'

/** Marks up text; without colours every one of these returns its argument. */
export interface Paint {
  bold(text: string): string
  dim(text: string): string
  good(text: string): string
  bad(text: string): string
  busy(text: string): string
  /** Drawing characters that the terminal has. */
  readonly glyphs: Glyphs
}

/** What bars and marks are drawn with. */
export interface Glyphs {
  readonly full: string
  readonly half: string
  readonly empty: string
  readonly dot: string
  readonly yes: string
  readonly no: string
  readonly at: string
}

const blocks: Glyphs = { full: '█', half: '▒', empty: '░', dot: '·', yes: '✓', no: '✗', at: '▸' }
// The Linux console has no glyphs beyond its font's 256 or 512.
const ascii: Glyphs = { full: '#', half: '+', empty: '-', dot: '.', yes: '*', no: 'x', at: '>' }

/** How to mark up text for a terminal. */
export function makePaint(colours: boolean, term: string | undefined): Paint {
  const style = (open: number, close: number) => (text: string) =>
    colours && text !== '' ? `\u001B[${open}m${text}\u001B[${close}m` : text
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    good: style(32, 39),
    bad: style(31, 39),
    busy: style(33, 39),
    glyphs: term === 'linux' || term === 'dumb' ? ascii : blocks,
  }
}

/** `text` without colours. */
export function plain(text: string): string {
  return stripVTControlCharacters(text)
}

const colour = /(\p{Cc}\[[0-9;]*m)/u

/** Cuts a line to `width` characters; colours take no room and are ended where the line is cut. */
export function crop(line: string, width: number): string {
  if (plain(line).length <= width) return line
  let room = width
  const parts = line.split(colour).map((part, index) => {
    // The odd parts are the colours themselves.
    if (index % 2 === 1) return part
    const kept = part.slice(0, room)
    room -= kept.length
    return kept
  })
  return parts.join('')
}

/** `text` filled up to `width` on its right side, colours not counted. */
export function left(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - plain(text).length))
}

/** `text` filled up to `width` on its left side, colours not counted. */
export function right(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - plain(text).length)) + text
}

/** A bar of `width` characters of which a `share` from 0 to 1 is full. */
export function bar(share: number, width: number, { glyphs, good, dim }: Paint): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width)
  return good(glyphs.full.repeat(full)) + dim(glyphs.empty.repeat(width - full))
}

/** Breaks a text between words; the first line keeps its own indentation, the others begin with `indent`. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const own = /^ */.exec(text)?.[0] ?? ''
  const lines: string[] = []
  let line = own
  let begun = false
  for (const word of text.slice(own.length).split(' ')) {
    if (begun && plain(`${line} ${word}`).length > width) {
      lines.push(line)
      line = indent + word
    } else line += begun ? ` ${word}` : word
    begun = true
  }
  return [...lines, line]
}

/** A duration as a person reads it: `0.42 ms`, `8.1 ms`, `143 ms`, `2.31 s`. */
export function millis(value: number): string {
  if (value >= 1_000) return `${(value / 1_000).toFixed(2)} s`
  return `${value.toFixed(value >= 99.95 ? 0 : value >= 9.95 ? 1 : 2)} ms`
}

/** The same, for what may take no time to speak of: `< 0.01 ms`. */
export function brief(value: number): string {
  return value < 0.01 ? '< 0.01 ms' : millis(value)
}

/** A whole number with separators: `12,345`. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** One JSON document; fractions are cut to three digits, more than any clock here can tell. */
export function toJson(value: unknown): string {
  const shorter = (_: string, part: unknown): unknown =>
    typeof part === 'number' ? Number(part.toFixed(3)) : part
  return JSON.stringify(value, shorter, 2)
}
