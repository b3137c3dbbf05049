/** What a panel of the Grafana dashboard is: described in a few words, and written as Grafana reads it. */
import type {
  DataSource,
  FieldDefaults,
  GrafanaMapping,
  GrafanaPanel,
  GrafanaRow,
  Place,
  StatOptions,
  TimeSeriesOptions,
} from './model.ts'

/** One curve or family of curves. */
export interface Query {
  /** PromQL. */
  readonly expression: string
  /** How a curve is called; Grafana fills in `{{label}}`. */
  readonly legend: string
}

/** Where green ends: from the first value on yellow, from the second on red. */
export type Limits = readonly [yellow: number, red: number]

/** One panel, in our words. */
export interface PanelPlan {
  readonly title: string
  readonly description: string
  readonly kind: 'timeseries' | 'stat'
  /** Of 24 columns. */
  readonly width: number
  /** One of Grafana's names of units. */
  readonly unit: 'short' | 's' | 'percentunit' | 'ops' | 'opm'
  readonly queries: readonly Query[]
  /** Curves on top of each other, where their sum means something. */
  readonly stacked?: boolean
  readonly limits?: Limits
}

/** Panels under one heading. */
export interface Section {
  readonly title: string
  readonly panels: readonly PanelPlan[]
}

/** The data source that the viewer has chosen at the top of the dashboard. */
export const DATA_SOURCE: DataSource = { type: 'prometheus', uid: '$datasource' }

/** Writes a heading. */
export function writeRow(title: string, id: number, place: Place): GrafanaRow {
  return { id, type: 'row', title, collapsed: false, gridPos: place, panels: [] }
}

/** Writes a panel. */
export function writePanel(plan: PanelPlan, id: number, place: Place): GrafanaPanel {
  const { title, description, kind, queries } = plan
  return {
    id,
    type: kind,
    title,
    description,
    datasource: DATA_SOURCE,
    gridPos: place,
    targets: queries.map(({ expression, legend }, index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource: DATA_SOURCE,
      expr: expression,
      legendFormat: legend,
      range: true,
    })),
    options: kind === 'stat' ? STAT : TIME_SERIES,
    fieldConfig: { defaults: fieldDefaults(plan), overrides: [] },
  }
}

/** A mean of nothing. */
const NOTHING: GrafanaMapping = {
  type: 'special',
  options: { match: 'null+nan', result: { text: '–' } },
}

const STAT: StatOptions = {
  orientation: 'auto',
  // Not the last that is a number: without traffic that would be one of long ago.
  reduceOptions: { calcs: ['last'], fields: '', values: false },
  colorMode: 'value',
  graphMode: 'area',
  justifyMode: 'auto',
  textMode: 'auto',
  wideLayout: true,
  showPercentChange: false,
  percentChangeColorMode: 'standard',
}

const TIME_SERIES: TimeSeriesOptions = {
  legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] },
  tooltip: { mode: 'multi', sort: 'desc' },
}

function fieldDefaults({ kind, limits, stacked = false, unit }: PanelPlan): FieldDefaults {
  const byLimits = kind === 'stat' && limits !== undefined
  return {
    unit,
    min: 0,
    mappings: [NOTHING],
    color: { mode: byLimits ? 'thresholds' : 'palette-classic' },
    thresholds: { mode: 'absolute', steps: steps(limits) },
    ...(kind === 'timeseries' && {
      custom: {
        drawStyle: 'line',
        lineWidth: 1,
        fillOpacity: stacked ? 40 : 5,
        showPoints: 'never',
        spanNulls: false,
        stacking: { mode: stacked ? 'normal' : 'none' },
        thresholdsStyle: { mode: limits === undefined ? 'off' : 'dashed' },
      },
    }),
  }
}

/** Grafana wants a step without a value first: what holds below the others. */
function steps(limits: Limits | undefined): { color: string; value: number | null }[] {
  const base = { color: 'green', value: null }
  if (limits === undefined) return [base]
  const [yellow, red] = limits
  return [base, { color: 'yellow', value: yellow }, { color: 'red', value: red }]
}
