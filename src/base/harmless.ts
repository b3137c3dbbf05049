/** Makes a text of somebody else fit to stand in a line of ours. */

/** Control characters, which a terminal would obey, and marks that turn the direction of what is written after them. */
const harmful = /[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]+/gu

/** `said` without line breaks, what a terminal would obey instead of show, and what would turn the words after it round. */
export function harmless(said: string): string {
  return said.replace(harmful, ' ')
}
