/** The figures of the scaling rules: percent, counts and milliseconds, as their names say. */

/** What scales a pool itself is in `VERTICAL` of `sluice/sizing`. */
export const SCALING = {
  /** Between two samples, as the rules expect them. */
  everyMillis: 60_000,
  /** A pool shrinks after this many times `everyMillis`. */
  shrinkWindows: 2,
  /** Another instance: any of these, all the time. */
  out: {
    windowMillis: 120_000,
    queueAbove: 50,
    /** Times the baseline. */
    responseAbove: 2,
    utilizationAbove: 80,
    errorsAbove: 5,
  },
  /** One instance less: nobody in the queue, and all of these, all the time. */
  in: { windowMillis: 600_000, utilizationBelow: 30, errorsBelow: 1 },
  /** Instances that are added, and taken away, at once: in percent, rounded up to whole ones. */
  step: { out: 50, in: 10 },
  /** A larger database: any of these, all the time; connect timeouts a minute are a mean. */
  up: { windowMillis: 600_000, cpuAbove: 80, responseAbove: 3, connectTimeoutsAbove: 1 },
  /** A smaller database: both of these all the time, and no trouble for seven days. */
  down: { windowMillis: 86_400_000, cpuBelow: 40, utilizationBelow: 30, calmMillis: 604_800_000 },
  /** What a baseline is learned from: that many calm samples, of which this part stays below it. */
  baseline: { samples: 30, share: 0.9 },
} as const
