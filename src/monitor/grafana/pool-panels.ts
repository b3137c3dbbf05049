/** The panels about connections: how many, who waits for them, and how they come and go. */
import { TARGETS } from '../targets.ts'
import type { Limits, PanelPlan, Section } from './panel.ts'
import { by, chosen, each, growth, percentiles, some, total } from './queries.ts'

const SECOND = 1_000

export const UTILIZATION_LIMITS: Limits = [TARGETS.utilization.target / 100, TARGETS.utilization.alert / 100]

export const WAIT_LIMITS: Limits = [TARGETS.wait.target / SECOND, TARGETS.wait.alert / SECOND]

/** A panel of curves. */
function curves(
  title: string,
  description: string,
  rest: Omit<PanelPlan, 'title' | 'description' | 'kind'>,
): PanelPlan {
  return { title, description, kind: 'timeseries', ...rest }
}

/** How many connections there are, and what they do. */
export function connectionSection(): Section {
  return {
    title: 'Connections',
    panels: [
      curves('Connection status', 'Connections by state, callers that wait, and what the pools may have.', {
        width: 12,
        unit: 'short',
        queries: [
          by('state', chosen('connections')),
          { expression: total(chosen('max')), legend: 'max' },
          { expression: total(chosen('min')), legend: 'min' },
        ],
      }),
      curves(
        'Utilization',
        `Busy slots divided by the maximum. The target is below ${TARGETS.utilization.target} %; above ${TARGETS.utilization.alert} % for 5 minutes there is an alert.`,
        {
          width: 12,
          unit: 'percentunit',
          limits: UTILIZATION_LIMITS,
          queries: [each(chosen('utilization'))],
        },
      ),
      curves('Slots', 'What each slot does; a shared one carries statements of many callers.', {
        width: 12,
        unit: 'short',
        stacked: true,
        queries: [by('state', chosen('slots'))],
      }),
      curves('Overflow', 'Temporary connections above the maximum, and how many there may be.', {
        width: 6,
        unit: 'short',
        queries: [
          { expression: total(chosen('overflow')), legend: 'in use' },
          { expression: total(chosen('maxOverflow')), legend: 'allowed' },
        ],
      }),
      curves('Leaks', 'Leases out that were reported as leaked, and connections whose close was given up.', {
        width: 6,
        unit: 'short',
        queries: [
          { expression: total(chosen('leaking')), legend: 'leaking' },
          { expression: total(chosen('lost')), legend: 'abandoned' },
          { expression: `${total(growth('leaks'))} * 60`, legend: 'reported a minute' },
        ],
      }),
    ],
  }
}

/** How callers get connections, or do not. */
export function waitingSection(): Section {
  const third = { width: 8 } as const
  return {
    title: 'Getting a connection',
    panels: [
      curves('Queue by priority', 'Callers that wait; 1 is the most urgent.', {
        ...third,
        unit: 'short',
        stacked: true,
        queries: [by('priority', chosen('waiting'))],
      }),
      curves(
        'Time to get a connection',
        `From asking to having one. The target is ${TARGETS.wait.target} ms on average, the alert ${TARGETS.wait.alert} ms.`,
        { ...third, unit: 's', limits: WAIT_LIMITS, queries: percentiles('wait') },
      ),
      curves('Oldest wait', 'How long the caller has waited who waits for longest.', {
        ...third,
        unit: 's',
        queries: [each(chosen('oldestWait'))],
      }),
      curves('Refusals', 'Callers who left without a connection, a minute, by reason.', {
        ...third,
        unit: 'opm',
        queries: [by('reason', `${growth('refusals')} * 60`)],
      }),
      curves('Acquires', 'Connections lent, and those of them that had been used before.', {
        ...third,
        unit: 'ops',
        queries: [
          { expression: total(growth('acquires')), legend: 'acquires' },
          { expression: total(growth('reuses')), legend: 'reused' },
        ],
      }),
      curves('Time a connection is held', 'From having one to giving it back.', {
        ...third,
        unit: 's',
        queries: percentiles('use'),
      }),
    ],
  }
}

/** How connections come and go. */
export function lifeSection(): Section {
  const third = { width: 8 } as const
  return {
    title: 'Opening and closing',
    panels: [
      curves('Opens and closes', 'A minute; closes by reason.', {
        ...third,
        unit: 'opm',
        queries: [
          { expression: `${total(growth('opens'))} * 60`, legend: 'opened' },
          by('reason', `${growth('closes')} * 60`),
        ],
      }),
      curves('Time to open', 'The whole handshake.', { ...third, unit: 's', queries: percentiles('open') }),
      curves('Connection errors', 'A minute, by the code of the error; lost is a connection that broke.', {
        ...third,
        unit: 'opm',
        // The common types are there from the beginning: those that do not happen would be a dozen lines at 0.
        queries: [some(by('type', `${growth('connectionErrors')} * 60`))],
      }),
    ],
  }
}
