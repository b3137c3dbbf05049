/** The version of this copy of Sluice. */
import { createRequire } from 'node:module'

/** As in package.json: `1.2.3`. */
export function sluiceVersion(): string {
  return (createRequire(import.meta.url)('../../package.json') as { version: string }).version
}
