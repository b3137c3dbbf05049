// Says what was left out, and closes the output of a run with the count that CI reads.

import process from 'node:process'
import type { Reporter, SerializedError, TestModule, Vitest } from 'vitest/node'

type Outcome = 'passed' | 'failed' | 'skipped'

/** Under `CI=true` a run that left a test out fails. Tests that `-t` filtered away are only counted. */
export class CountReporter implements Reporter {
  readonly #leftOut: readonly string[]
  #filtered = false

  /** @param leftOut suites that this machine cannot run, and why */
  constructor(leftOut: readonly string[] = []) {
    this.#leftOut = leftOut
  }

  onInit(vitest: Vitest): void {
    this.#filtered = vitest.config.testNamePattern !== undefined
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const count: Record<Outcome, number> = { passed: 0, failed: unhandled.length, skipped: 0 }
    for (const module of modules) {
      count.failed += brokenSuites(module)
      for (const test of module.children.allTests()) {
        const { state, note } = { note: undefined, ...test.result() }
        count[state === 'pending' ? 'skipped' : state]++
        if (state !== 'skipped' || this.#filtered) continue
        console.log(`left out: ${module.relativeModuleId} > ${test.fullName}${note ? `: ${note}` : ''}`)
      }
    }
    for (const suites of this.#leftOut) console.log(`left out: ${suites}`)
    if (process.env.CI === 'true' && count.skipped > 0 && !this.#filtered) {
      console.log('Under CI=true no test may be left out.')
      process.exitCode = 1
    }
    console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
  }
}

/** Files that broke while loading and suites whose hooks threw: failures that no single test shows. */
function brokenSuites(module: TestModule): number {
  const suites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0)
  return suites.length + (module.errors().length > 0 ? 1 : 0)
}
