/** Whoever watches a pool in the monitor bench. */
import { record } from '../dist/monitor/recorder.js'

/**
 * @typedef {object} Watcher
 * @property {string} name
 * @property {(pool: import('../dist/index.js').Pool) => Promise<() => Promise<void>>} watch begins; returns the end of it
 */

/** @type {Watcher[]} */
export const WATCHERS = [
  {
    name: 'recorder alone',
    watch: async (pool) => {
      const { stop } = record(pool)
      return async () => stop()
    },
  },
]
