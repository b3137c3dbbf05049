/** A real Chromium for the dashboard's page, and everything about a page that should not happen. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { CHROMIUM } from '../support/programs.ts'

/** The built page; `npm run build` makes it. */
export const BUILT_PAGE = new URL('../../dist/dashboard/web/', import.meta.url)

/** A page that is watched. */
export interface WatchedPage {
  readonly page: Page
  /** Errors on its console (a breach of the content security policy is one), exceptions, and requests to other hosts. */
  readonly problems: readonly string[]
}

/** One browser for a file of tests. What it opens is closed after each test. */
export function withBrowser(): (url: string, options?: BrowserContextOptions) => Promise<WatchedPage> {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM.file ?? '', args: ['--no-sandbox'] })
  })
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))
  afterAll(() => browser.close())
  return async (url, options) => {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const problems: string[] = []
    const { host } = new URL(url)
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
    })
    page.on('pageerror', (error) => problems.push(String(error)))
    page.on('request', (request) => {
      const to = new URL(request.url())
      if (to.protocol !== 'data:' && to.host !== host) problems.push(`a request to ${to.host}`)
    })
    await page.goto(url)
    return { page, problems }
  }
}

/** What stands in every `data-field` of the pool that is shown. */
export function fieldsOf(page: Page): Promise<Record<string, string>> {
  return page.evaluate(() => {
    const fields = document.querySelectorAll<HTMLElement>('[data-pool]:not([hidden]) [data-field]')
    return Object.fromEntries(
      [...fields].map((field) => [field.dataset.field ?? '', field.textContent ?? '']),
    )
  })
}
