/** The metrics of a registry over HTTP. */
import { SluiceError } from '../../base/errors.ts'
import { requireMethods } from '../../base/options.ts'
import type { Handler } from './answer.ts'
import { reading } from './answer.ts'

/** What can be scraped: a registry of prom-client has it. */
export interface ScrapedRegistry {
  metrics(): Promise<string>
  readonly contentType: string
}

/**
 * Answers a scrape with what a registry has, in the format that the registry writes. Rejects with what the registry throws; through
 * `nodeHandler()` that is 500. @throws SLUICE_BAD_OPTION
 */
export function metricsHandler(registry: ScrapedRegistry): Handler {
  requireMethods(registry, 'metricsHandler()', ['metrics'], 'a registry of prom-client')
  if (typeof registry.contentType !== 'string')
    throw new SluiceError('SLUICE_BAD_OPTION', 'metricsHandler() takes a registry with its contentType')
  return reading(async () => {
    const text = await registry.metrics()
    return new Response(text, { headers: { 'content-type': registry.contentType } })
  })
}
