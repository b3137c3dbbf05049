/** The dashboard for Grafana, as the text of a file to import. */
import { SluiceError } from '../base/errors.ts'
import { readOptions, readString } from '../base/options.ts'
import type { GrafanaModel, GrafanaPanel, GrafanaRow, GrafanaVariable } from './grafana/model.ts'
import type { Section } from './grafana/panel.ts'
import { DATA_SOURCE, writePanel, writeRow } from './grafana/panel.ts'
import { connectionSection, lifeSection, waitingSection } from './grafana/pool-panels.ts'
import { glanceSection, serverSection, statementSection } from './grafana/statement-panels.ts'
import { series } from './promql.ts'

/** How the dashboard is to be called. */
export interface GrafanaOptions {
  /** Default: `Sluice: connection pools`. */
  readonly title?: string
  /** What its address ends with, and what an import replaces: 8 to 40 letters, digits, `-` and `_`. Default: `sluice-pools`. */
  readonly uid?: string
}

/** Of the classic model of dashboards, which every Grafana since 8 imports: the version that the current one writes. */
const SCHEMA_VERSION = 42

const COLUMNS = 24
const HEIGHT = { row: 1, stat: 4, timeseries: 8 } as const

/**
 * A dashboard for Grafana as JSON: connections, waits, statements, opens and closes, errors, and the server's sessions, for the
 * data source, programs, pools and processes that are chosen at its top. The metrics are those of `prometheus()`.
 * @throws SLUICE_BAD_OPTION
 */
export function grafanaDashboard(options?: GrafanaOptions): string {
  return `${JSON.stringify(dashboardModel(options), undefined, 2)}\n`
}

function dashboardModel(options?: GrafanaOptions): GrafanaModel {
  const given = readOptions(options, 'grafanaDashboard()', ['title', 'uid'])
  const { title = 'Sluice: connection pools', uid = 'sluice-pools' } = {
    title: readString(given, 'title'),
    uid: readString(given, 'uid'),
  }
  if (title.trim() === '') throw new SluiceError('SLUICE_BAD_OPTION', 'title must not be empty')
  if (!/^[\w-]{8,40}$/.test(uid))
    throw new SluiceError('SLUICE_BAD_OPTION', 'uid must be 8 to 40 letters, digits, - and _')
  return {
    id: null,
    uid,
    title,
    description: 'Pools of Sluice: connections, waits, statements and the server behind them.',
    tags: ['sluice', 'database'],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    graphTooltip: 1,
    timezone: 'browser',
    time: { from: 'now-1h', to: 'now' },
    refresh: '30s',
    annotations: { list: [] },
    links: [],
    templating: { list: variables() },
    panels: laidOut([
      glanceSection(),
      connectionSection(),
      waitingSection(),
      statementSection(),
      lifeSection(),
      serverSection(),
    ]),
  }
}

/** What is chosen at the top: where the figures are, and of which programs, pools and processes. */
function variables(): GrafanaVariable[] {
  const seen = series('max')
  return [
    {
      type: 'datasource',
      name: 'datasource',
      label: 'Data source',
      query: 'prometheus',
      hide: 0,
      refresh: 1,
    },
    // Programs that have nothing to do with each other may call a pool by the same name.
    ofLabel('job', 'Program', seen),
    ofLabel('pool', 'Pool', series('max', 'job=~"$job"')),
    ofLabel('instance', 'Process', series('max', 'job=~"$job", pool=~"$pool"')),
  ]
}

function ofLabel(name: string, label: string, of: string): GrafanaVariable {
  const query = `label_values(${of}, ${name})`
  return {
    type: 'query',
    name,
    label,
    datasource: DATA_SOURCE,
    definition: query,
    query: { query, refId: `${name}-values` },
    // Pools come and go within the time that is looked at.
    refresh: 2,
    sort: 1,
    hide: 0,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
  }
}

/** The panels of each section from left to right, in lines as high as their highest. */
function laidOut(sections: readonly Section[]): (GrafanaPanel | GrafanaRow)[] {
  const placed: (GrafanaPanel | GrafanaRow)[] = []
  const next = () => placed.length + 1
  let top = 0
  for (const { title, panels } of sections) {
    placed.push(writeRow(title, next(), { x: 0, y: top, w: COLUMNS, h: HEIGHT.row }))
    top += HEIGHT.row
    let [x, line] = [0, 0]
    for (const plan of panels) {
      if (x + plan.width > COLUMNS) [x, top, line] = [0, top + line, 0]
      const h = HEIGHT[plan.kind]
      placed.push(writePanel(plan, next(), { x, y: top, w: plan.width, h }))
      x += plan.width
      line = Math.max(line, h)
    }
    top += line
  }
  return placed
}
