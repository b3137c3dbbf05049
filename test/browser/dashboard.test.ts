import type { Page } from 'playwright-core'
import { afterEach, expect, test, vi } from 'vitest'
import { SLOT_STATES } from '../../src/base/slots.ts'
import type { Dashboard, DashboardOptions } from '../../src/dashboard/index.ts'
import { dashboard } from '../../src/dashboard/index.ts'
import type { Pool } from '../../src/index.ts'
import { poolsWith } from '../support/pools.ts'
import { BUILT_PAGE, fieldsOf, withBrowser } from './support.ts'

const PATIENCE = { timeout: 20_000, interval: 100 }

const open = withBrowser()
const pools = poolsWith({ max: 6, maxOverflow: 2, idleTimeoutMillis: 0, pipelining: false })
const up = new Set<Dashboard>()
afterEach(async () => {
  for (const each of up) await each.close()
  up.clear()
})

async function serve(options: DashboardOptions): Promise<Dashboard> {
  const made = await dashboard(options, { assets: BUILT_PAGE })
  up.add(made)
  return made
}

async function stop(served: Dashboard): Promise<void> {
  up.delete(served)
  await served.close()
}

/** The numbers that the page and the pool must agree on. */
const COUNTS = [...SLOT_STATES, 'total', 'waiting'] as const

function expected(pool: Pool): Record<string, string> {
  const stats = pool.stats()
  return {
    ...Object.fromEntries(COUNTS.map((name) => [name, String(stats[name])])),
    utilization: `${Math.round(stats.utilization)} %`,
    acquired: String(stats.acquired),
  }
}

const agrees = (page: Page, pool: Pool) =>
  vi.waitFor(async () => expect(await fieldsOf(page)).toMatchObject(expected(pool)), PATIENCE)

const says = (page: Page, part: string, text: string | RegExp) =>
  vi.waitFor(async () => {
    expect(await page.locator(`[data-part="${part}"]:visible`).first().textContent()).toMatch(text)
  }, PATIENCE)

test('the page shows the numbers of stats(), during a burst and after it', async () => {
  const pool = pools()
  const { url } = await serve({ pools: pool })
  const { page, problems } = await open(url)
  await agrees(page, pool)

  const leases = await Promise.all(Array.from({ length: 8 }, (_, n) => pool.lease({ agent: `agent-${n}` })))
  const waiters = Array.from({ length: 13 }, () => pool.lease({ agent: 'late', priority: 'low' }))
  await agrees(page, pool)
  expect(await fieldsOf(page)).toMatchObject({ leased: '8', waiting: '13', utilization: '133 %' })
  await says(page, 'headline', /13 callers waiting/)
  await vi.waitFor(async () => {
    expect(await page.locator('.queue .bar').allTextContents()).toEqual([
      expect.stringMatching(/P3 · late.*13$/),
    ])
  }, PATIENCE)
  expect(await page.locator('.grid .cell[data-state="leased"]').count()).toBe(8)
  expect(await page.locator('.grid .cell[data-overflow]').count()).toBe(2)

  for (const lease of leases) lease.release()
  for (const waiter of waiters) (await waiter).release()
  await vi.waitFor(() => expect(pool.stats().leased).toBe(0))
  await agrees(page, pool)
  // On a slow machine there may be advice; of the crowd there is no word.
  await says(page, 'headline', /^(?!.*waiting)/)
  expect(problems).toEqual([])
})

test('statements are counted, timed and listed without their values', async () => {
  const pool = pools()
  const { url } = await serve({ pools: pool })
  const { page } = await open(url)
  await agrees(page, pool)
  for (let n = 0; n < 20; n++) await pool.query('SELECT $1::int + 4711 AS sum', [n])
  await vi.waitFor(async () => {
    expect(await page.locator('.statements tbody tr').allTextContents()).toContainEqual(
      expect.stringMatching(/SELECT \$1::int \+ \? AS sum.*20/i),
    )
  }, PATIENCE)
  expect((await fieldsOf(page)).p95).toMatch(/ ms$/)
  expect(await page.content()).not.toContain('4711')
})

test('a server that is started again on its port is found, and what was said of the old one is forgotten', async () => {
  const [first, second] = [pools(), pools({ max: 3, maxOverflow: 0 })]
  const before = await serve({ pools: { old: first } })
  const { page } = await open(before.url)
  await says(page, 'name', 'old')
  await stop(before)
  await says(page, 'link-text', 'Connection lost, trying again')
  await serve({ pools: { new: second }, port: before.port })
  await says(page, 'link-text', 'Live')
  await says(page, 'name', 'new')
  await agrees(page, second)
  expect(await page.locator('[data-pool]').count()).toBe(1)
})

test('a server that wants a token since it was started again is not asked in vain without a word', async () => {
  const pool = pools()
  const before = await serve({ pools: pool })
  const { page } = await open(before.url)
  await says(page, 'link-text', 'Live')
  await stop(before)
  const after = await serve({ pools: pool, port: before.port, token: 'a-token-of-some-length' })
  await says(page, 'link-text', /wants a token/)
  await page.goto(`${after.url}?token=a-token-of-some-length`)
  await says(page, 'link-text', 'Live')
  expect(page.url()).toBe(after.url)
})

test('without the token there is no page', async () => {
  const { url } = await serve({ pools: pools(), token: 'a-token-of-some-length' })
  const { page } = await open(url)
  expect(await page.locator('body').textContent()).toContain('token')
  expect(await page.locator('[data-part]').count()).toBe(0)
  expect((await page.request.get(url)).status()).toBe(401)
})

test('what pools and agents are called is text, and no script that is written into the page runs', async () => {
  const harmful = '<img src=x onerror="window.harmed = 1">'
  const pool = pools()
  const { url } = await serve({ pools: { [harmful]: pool } })
  const { page, problems } = await open(url)
  const lease = await pool.lease({ agent: harmful })
  await says(page, 'name', harmful)
  await vi.waitFor(async () => {
    expect(await page.locator('.connections tbody td').allTextContents()).toContain(harmful)
  }, PATIENCE)
  expect(problems).toEqual([])
  await page.evaluate(() => {
    const script = document.createElement('script')
    script.textContent = 'window.harmed = 2'
    document.body.append(script)
  })
  expect(await page.evaluate(() => 'harmed' in window)).toBe(false)
  expect(problems).toEqual([expect.stringContaining('Content Security Policy')])
  lease.release()
})

test('where a leaked connection was taken can be unfolded', async () => {
  const pool = pools({ leakDetectionMillis: 200 })
  const { url } = await serve({ pools: pool })
  const { page } = await open(url)
  const forgotten = await takenHere(pool)
  await says(page, 'headline', /not given back/)
  await page.getByRole('button', { name: /Show stack of slot/ }).click()
  const stack = page.locator('.fold:visible pre')
  await vi.waitFor(async () => expect(await stack.textContent()).toContain('takenHere'), PATIENCE)
  forgotten.release()
  await says(page, 'headline', /^(?!.*given back)/)
  expect(await stack.count()).toBe(0)
})

function takenHere(pool: Pool) {
  return pool.lease({ agent: 'forgetful' })
}
