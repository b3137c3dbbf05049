import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Frame, Hello } from '../../src/dashboard/frame.ts'
import type { PlayedPage } from '../support/dashboard-page.ts'
import { playPage } from '../support/dashboard-page.ts'
import { calm, countsOf, manySlots, storyFrame, storyHello } from '../support/dashboard-story.ts'
import { fieldsOf, withBrowser } from './support.ts'

const PATIENCE = { timeout: 20_000, interval: 100 }
/** The made-up pools live then: pictures of them are the same at every run. */
const THEN = Date.UTC(2026, 0, 15, 3, 12, 40)

const open = withBrowser()
const played: { page: PlayedPage; timer?: NodeJS.Timeout }[] = []
afterEach(async () => {
  for (const { page, timer } of played.splice(0)) {
    clearInterval(timer)
    await page.close()
  }
})

/** Plays frames four times a second. */
async function play(
  frame: (at: number, tick: number) => Frame = storyFrame,
  hello: () => Hello = () => storyHello(THEN),
): Promise<PlayedPage> {
  const page = await playPage(hello)
  let tick = 0
  const timer = setInterval(() => {
    tick += 1
    page.frame(frame(THEN + tick * 250, tick))
  }, 250)
  played.push({ page, timer })
  return page
}

const drawn = (page: Page) => page.locator('.grid .cell').first().waitFor({ timeout: 20_000 })

function fiveHundred(at: number, tick: number): Frame {
  const slots = manySlots(500, tick)
  return { at, pools: [calm('huge', { max: 500, slots, counts: countsOf(slots, 0, 0) })], events: [] }
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds that is serious or worse, with where. */
async function harm(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') }
    const { violations } = await axe.run()
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
  })
}

/** How much wider the page is than the window. */
const overhang = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth)

describe.each(['dark', 'light'] as const)('in the %s theme', (colorScheme) => {
  test.each([360, 768, 1280, 1920])('nothing hangs over the edge of a window %i wide', async (width) => {
    const { url } = await play()
    const { page, problems } = await open(url, { colorScheme, viewport: { width, height: 800 } })
    await drawn(page)
    for (const name of ['orders', 'reports', 'sessions']) {
      await page.getByRole('tab', { name: new RegExp(name) }).click()
      await vi.waitFor(async () => expect(await page.locator('h2:visible').textContent()).toBe(name))
      expect(await overhang(page)).toBeLessThanOrEqual(0)
    }
    expect(problems).toEqual([])
  })

  test('axe finds nothing serious, with everything on the page and with nothing', async () => {
    const { url } = await play()
    const { page } = await open(url, { colorScheme, bypassCSP: true })
    await drawn(page)
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe(colorScheme)
    await page.locator('.grid .cell').nth(7).focus()
    await page.getByRole('button', { name: 'Show stack of slot 8' }).click()
    expect(await harm(page)).toEqual([])
    await page.getByRole('tab', { name: /reports/ }).click()
    await page.getByRole('tabpanel', { name: 'reports' }).getByText('No connection is open.').waitFor()
    expect(await harm(page)).toEqual([])
  })
})

test('the arrow keys walk over the slots, and the one that they reach is read out', async () => {
  const { url } = await play()
  const { page } = await open(url)
  await drawn(page)
  const spoken = page.locator('[data-part="spoken"]:visible')
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))
  // One stop for Tab, whatever the number of slots.
  expect(await page.locator('.grid:visible .cell[tabindex="0"]').count()).toBe(1)
  await page.locator('.grid:visible .cell[tabindex="0"]').focus()
  await page.keyboard.press('ArrowRight')
  expect(await focused()).toBe('Slot 2: leased, agent retriever')
  expect(await spoken.textContent()).toMatch(
    /^Slot 2: state leased, held for .*, agent retriever, backend pid 4102/,
  )
  for (let n = 0; n < 6; n++) await page.keyboard.press('ArrowRight')
  expect(await page.locator('[data-part="detail-title"]:visible').textContent()).toBe('Slot 8')
  expect(await spoken.textContent()).toMatch(/\(long\), agent invoice-extraction/)
  await page.keyboard.press('End')
  expect(await focused()).toBe('Empty place for overflow')
  await page.keyboard.press('Home')
  expect(await focused()).toBe('Slot 1: leased, agent planner')
  await page.keyboard.press('ArrowDown')
  expect(await focused()).not.toBe('Slot 1: leased, agent planner')
  await page.keyboard.press('ArrowUp')
  expect(await focused()).toBe('Slot 1: leased, agent planner')
})

test('the pointer shows whose slot it is', async () => {
  const { url } = await play()
  const { page } = await open(url)
  await drawn(page)
  await page.locator('.grid .cell').nth(8).hover()
  const facts = page.locator('[data-part="facts"]:visible')
  await vi.waitFor(
    async () => expect(await facts.textContent()).toContain('agentinvoice-extraction'),
    PATIENCE,
  )
})

test('the theme follows the system until one is chosen, and the choice is remembered', async () => {
  const { url } = await play()
  const { page } = await open(url, { colorScheme: 'light' })
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme)
  expect(await theme()).toBe('light')
  await page.emulateMedia({ colorScheme: 'dark' })
  await vi.waitFor(async () => expect(await theme()).toBe('dark'), PATIENCE)
  await page.getByRole('button', { name: 'Light theme' }).click()
  expect(await theme()).toBe('light')
  await page.reload()
  await drawn(page)
  expect(await theme()).toBe('light')
})

test('headings sort their tables, and turn them round', async () => {
  const { url } = await play()
  const { page } = await open(url)
  await drawn(page)
  const calls = async () =>
    (await page.locator('.statements tbody td:nth-child(2)').allTextContents()).map((text) =>
      Number(text.replace(',', '')),
    )
  const heading = page.locator('th[data-sort="calls"]:visible')
  await heading.getByRole('button').click()
  expect(await calls()).toEqual([160_221, 12_004, 9_120, 214])
  expect(await heading.getAttribute('aria-sort')).toBe('descending')
  await heading.getByRole('button').click()
  expect(await calls()).toEqual([214, 9_120, 12_004, 160_221])
  expect(await page.locator('th[data-sort="mean"]:visible').getAttribute('aria-sort')).toBe('none')
})

test('a server that says nothing is told from one that is gone', async () => {
  const silent = await playPage(() => storyHello(THEN))
  played.push({ page: silent })
  const { page } = await open(silent.url)
  const link = page.locator('[data-part="link-text"]')
  await vi.waitFor(async () => expect(await link.textContent()).toBe('The server is silent'), PATIENCE)
  expect(await page.locator('[data-part="link-since"]').textContent()).toMatch(/^\d+ s$/)
  await vi.waitFor(async () => {
    silent.frame(storyFrame(THEN, 1))
    expect(await link.textContent()).toBe('Live')
  }, PATIENCE)
})

test('events of a server that was started again begin anew, those of the same one go on', async () => {
  let run = 'first'
  const event = (id: number, text: string) => ({ id, at: THEN, level: 'warn' as const, text })
  const page0 = await play(
    (at) => ({ at, pools: [calm('p')], events: [] }),
    () => ({ ...storyHello(THEN, run), slow: [], history: [], events: [event(1, `of the ${run}`)] }),
  )
  const { page } = await open(page0.url)
  const texts = page.locator('.event-text')
  await vi.waitFor(async () => expect(await texts.allTextContents()).toEqual(['of the first']), PATIENCE)
  page0.frame({ at: THEN + 60_000, pools: [calm('p')], events: [event(1, 'told twice'), event(2, 'later')] })
  await vi.waitFor(
    async () => expect(await texts.allTextContents()).toEqual(['later', 'of the first']),
    PATIENCE,
  )
  run = 'second'
  page0.hangUp()
  await vi.waitFor(async () => expect(await texts.allTextContents()).toEqual(['of the second']), PATIENCE)
  expect(await page.locator('[data-part="events-spoken"]').textContent()).toMatch(
    /of the first|later|of the second/,
  )
})

test('five hundred slots at four frames a second do not choke the page, nor make it grow', async () => {
  const { url } = await play(fiveHundred, () => ({ ...storyHello(THEN), history: [], slow: [], events: [] }))
  const { page, problems } = await open(url)
  await drawn(page)
  expect(await page.locator('.grid .cell').count()).toBe(500)
  await page.waitForTimeout(1_500)
  const changes = page.evaluate(async () => {
    let count = 0
    new MutationObserver((records) => {
      count += records.length
    }).observe(document.querySelector('.grid') as Element, { attributes: true, subtree: true })
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    return count
  })
  const cost = await costOf(page, () => changes)
  expect(await changes).toBeGreaterThan(500)
  // On a machine of its own it takes a tenth of the time; at half of it people would notice.
  expect(cost.seconds).toBeLessThan(2.5)
  // Rows of the table come and go with what is on top of it, nothing else does.
  expect(Math.abs(cost.elements)).toBeLessThan(100)
  expect(problems).toEqual([])
})

/** How long the page was busy with its own script, style and layout while `fn` ran, and how many elements it has gained. */
async function costOf(
  page: Page,
  fn: () => Promise<unknown>,
): Promise<{ seconds: number; elements: number }> {
  const session = await page.context().newCDPSession(page)
  // Of its own thread: a busy machine lets a page wait.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const read = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    const seconds = metrics
      .filter(({ name }) => ['ScriptDuration', 'LayoutDuration', 'RecalcStyleDuration'].includes(name))
      .reduce((sum, { value }) => sum + value, 0)
    return { seconds, elements: await page.evaluate(() => document.getElementsByTagName('*').length) }
  }
  const before = await read()
  await fn()
  const after = await read()
  return { seconds: after.seconds - before.seconds, elements: after.elements - before.elements }
}

/** As when another tab comes before it, and this one again. */
function show(page: Page, state: 'hidden' | 'visible'): Promise<void> {
  return page.evaluate((value) => {
    Object.defineProperty(document, 'visibilityState', { value, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, state)
}

test('while the tab is hidden nothing is drawn; then the newest is', async () => {
  const busy = (at: number, tick: number): Frame => ({
    at,
    pools: [calm('p', { totals: { ...calm('').totals, acquired: tick } })],
    events: [],
  })
  const { url } = await play(busy)
  const { page } = await open(url)
  await page.locator('[data-field="acquired"]:visible').waitFor()
  const acquired = async () => Number((await fieldsOf(page)).acquired)
  await show(page, 'hidden')
  await page.waitForTimeout(300)
  const before = await acquired()
  await page.waitForTimeout(1_200)
  expect(await acquired()).toBe(before)
  await show(page, 'visible')
  await vi.waitFor(async () => expect(await acquired()).toBeGreaterThan(before + 2), PATIENCE)
})

test('a tab that nobody sees gives its connection back after half a minute, and is live again when it is seen', async () => {
  const site = await play()
  const { page } = await open(site.url)
  await page.clock.install()
  await page.reload()
  const link = page.locator('[data-part="link-text"]')
  await vi.waitFor(async () => expect(await link.textContent()).toBe('Live'), PATIENCE)
  await show(page, 'hidden')
  await page.clock.fastForward(20_000)
  await page.waitForTimeout(300)
  expect(site.viewers).toBe(1)
  await page.clock.fastForward(20_000)
  await vi.waitFor(() => expect(site.viewers).toBe(0), PATIENCE)
  await page.clock.fastForward(60_000)
  await show(page, 'visible')
  await vi.waitFor(async () => expect(await link.textContent()).toBe('Live'), PATIENCE)
  expect(site.viewers).toBe(1)
})

describe('pictures', () => {
  const keep = process.env.SLUICE_PICTURES === '1'
  const folder = keep
    ? join(import.meta.dirname, '../../docs/pictures')
    : mkdtempSync(join(tmpdir(), 'sluice-pictures-'))
  mkdirSync(folder, { recursive: true })
  afterEach(() => {
    if (!keep) rmSync(folder, { recursive: true, force: true })
  })

  test.each([
    { name: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 1000 } },
    { name: 'light', colorScheme: 'light', viewport: { width: 1280, height: 1000 } },
    { name: 'phone', colorScheme: 'dark', viewport: { width: 360, height: 780 } },
  ] as const)('one for the documentation is taken: $name', async ({ name, ...look }) => {
    const { url } = await play()
    const { page } = await open(url, { ...look, timezoneId: 'UTC' })
    await drawn(page)
    // On a phone there is nothing to point with.
    if (name !== 'phone') await page.locator('.grid .cell').nth(7).hover()
    await page.waitForTimeout(1_500)
    const picture = await page.screenshot({ path: join(folder, `dashboard-${name}.png`) })
    expect(picture.byteLength).toBeGreaterThan(10_000)
    expect(picture.byteLength).toBeLessThan(300_000)
  })
})
