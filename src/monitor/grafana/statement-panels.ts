/** The panels about statements and the server, and the numbers at the top. */
import { TARGETS } from '../targets.ts'
import type { PanelPlan, Section } from './panel.ts'
import { UTILIZATION_LIMITS, WAIT_LIMITS } from './pool-panels.ts'
import { by, chosen, growth, mean, percentile, percentileBy, percentiles, total } from './queries.ts'

/** The alert about slow statements begins where the target of the longest one ends. */
const STATEMENT_SECONDS = TARGETS.statement.target / 1_000

/** The part of statements that fail; there is no series of errors before the first. */
const FAILED = `(${total(growth('queryErrors'))} or vector(0)) / ${total(growth('queries', 'count'))}`

const FAILED_LIMITS = [0.01, 0.05] as const

/** What to look at first. */
export function glanceSection(): Section {
  const number = (
    title: string,
    description: string,
    expression: string,
    rest: Pick<PanelPlan, 'unit' | 'limits'>,
  ): PanelPlan => ({
    title,
    description,
    kind: 'stat',
    width: 4,
    queries: [{ expression, legend: title }],
    ...rest,
  })
  return {
    title: 'At a glance',
    panels: [
      number('Fullest pool', 'The highest utilization of any pool.', `max(${chosen('utilization')})`, {
        unit: 'percentunit',
        limits: UTILIZATION_LIMITS,
      }),
      number('Waiting', 'Callers that wait for a connection.', total(chosen('waiting')), {
        unit: 'short',
        limits: [1, TARGETS.queue.alert],
      }),
      number('To a connection', 'On average, from asking to having one.', mean('wait'), {
        unit: 's',
        limits: WAIT_LIMITS,
      }),
      number('Statements', 'A second.', total(growth('queries', 'count')), { unit: 'ops' }),
      number('p95', 'One statement in 20 takes longer.', percentile('queries', 95).expression, {
        unit: 's',
        limits: [1, STATEMENT_SECONDS],
      }),
      number('Failed', 'The part of statements that fail.', FAILED, {
        unit: 'percentunit',
        limits: FAILED_LIMITS,
      }),
    ],
  }
}

/** How statements fare. */
export function statementSection(): Section {
  return { title: 'Statements', panels: [...durationPanels(), ...troublePanels()] }
}

function durationPanels(): PanelPlan[] {
  return [
    {
      title: 'Duration',
      description: 'As callers see it, waiting included.',
      kind: 'timeseries',
      width: 12,
      unit: 's',
      queries: percentiles('queries'),
    },
    {
      title: 'p95 by class',
      description: 'Of the class that was said or is expected: simple, moderate, complex, analytical.',
      kind: 'timeseries',
      width: 12,
      unit: 's',
      queries: [percentileBy('class', 'queries', 95)],
    },
    {
      title: 'Statements by class',
      description: 'A second.',
      kind: 'timeseries',
      width: 8,
      unit: 'ops',
      stacked: true,
      queries: [by('class', growth('queries', 'count'))],
    },
  ]
}

function troublePanels(): PanelPlan[] {
  const panel = (
    title: string,
    description: string,
    rest: Pick<PanelPlan, 'unit' | 'queries' | 'limits'>,
  ): PanelPlan => ({ title, description, kind: 'timeseries', width: 8, ...rest })
  return [
    panel('Error rate', 'The part of statements that fail.', {
      unit: 'percentunit',
      limits: FAILED_LIMITS,
      queries: [{ expression: FAILED, legend: 'failed' }],
    }),
    panel('Errors', 'A minute, by the code of the error.', {
      unit: 'opm',
      queries: [by('type', `${growth('queryErrors')} * 60`)],
    }),
    panel('Slow statements', 'A minute: longer than is expected of their class.', {
      unit: 'opm',
      queries: [by('class', `${growth('slowQueries')} * 60`)],
    }),
    panel('Retries', 'Calls that were run again, a minute.', {
      unit: 'opm',
      queries: [{ expression: `${total(growth('retries'))} * 60`, legend: 'retries' }],
    }),
    panel('Circuit breaker', 'How many pools have theirs in which state; empty without one.', {
      unit: 'short',
      queries: [by('state', chosen('breaker'))],
    }),
  ]
}

/** The server, as the exporter sees it where it is told to ask. */
export function serverSection(): Section {
  const seen = 'Only where the exporter asks the server (activity).'
  return {
    title: 'Server',
    panels: [
      {
        title: 'Sessions',
        description: `Of the whole server, by state, and how many it takes. ${seen}`,
        kind: 'timeseries',
        width: 12,
        unit: 'short',
        // Every process sees the same server.
        queries: [
          { expression: `max by (state) (${chosen('sessions')})`, legend: '{{state}}' },
          { expression: `max(${chosen('maxSessions')})`, legend: 'limit' },
        ],
      },
      {
        title: 'Longest statement',
        description: `How long it has run. ${seen}`,
        kind: 'timeseries',
        width: 12,
        unit: 's',
        limits: [STATEMENT_SECONDS, TARGETS.statement.alert / 1_000],
        queries: [{ expression: `max by (pool) (${chosen('longestStatement')})`, legend: '{{pool}}' }],
      },
    ],
  }
}
