import { expect, test } from 'vitest'
import { fitHelp } from './help.ts'

const text = `Usage: sluice load [options] [url]

Every statement is tried once before the test, in a read-only transaction: one that
writes is refused.

Examples:
  sluice load --callers 200 --seconds 30 --statement "SELECT * FROM users WHERE id = 7"
  sluice load --compare
`

test('a text that fits is left as it is', () => {
  expect(fitHelp(text, 90)).toBe(text)
})

test('paragraphs are filled anew, and commands can still be pasted', () => {
  expect(fitHelp(text, 60)).toBe(`Usage: sluice load [options] [url]

Every statement is tried once before the test, in a
read-only transaction: one that writes is refused.

Examples:
  sluice load --callers 200 --seconds 30 --statement \\
    "SELECT * FROM users WHERE id = 7"
  sluice load --compare
`)
})
