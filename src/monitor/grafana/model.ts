/** Grafana's classic model of a dashboard: the part of it that is written here, in the words of its JSON. */

/** Where a panel is, in the grid of 24 columns. */
export interface Place {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

/** A data source, or the variable that stands for one. */
export interface DataSource {
  readonly type: 'prometheus'
  readonly uid: string
}

/** A heading; it takes one line of the grid. */
export interface GrafanaRow {
  readonly id: number
  readonly type: 'row'
  readonly title: string
  readonly collapsed: boolean
  readonly gridPos: Place
  readonly panels: never[]
}

/** A query of a panel. */
export interface GrafanaTarget {
  readonly refId: string
  readonly datasource: DataSource
  readonly expr: string
  readonly legendFormat: string
  readonly range: boolean
}

/** How a number is shown. */
export interface StatOptions {
  readonly orientation: 'auto'
  readonly reduceOptions: { readonly calcs: string[]; readonly fields: string; readonly values: boolean }
  readonly colorMode: 'value'
  readonly graphMode: 'area'
  readonly justifyMode: 'auto'
  readonly textMode: 'auto'
  readonly wideLayout: boolean
  readonly showPercentChange: boolean
  readonly percentChangeColorMode: 'standard'
}

/** How curves are shown. */
export interface TimeSeriesOptions {
  readonly legend: {
    readonly showLegend: boolean
    readonly displayMode: 'list'
    readonly placement: 'bottom'
    readonly calcs: string[]
  }
  readonly tooltip: { readonly mode: 'multi'; readonly sort: 'desc' }
}

/** How one curve is drawn. */
export interface GrafanaCurve {
  readonly drawStyle: 'line'
  readonly lineWidth: number
  readonly fillOpacity: number
  readonly showPoints: 'never'
  readonly spanNulls: boolean
  readonly stacking: { readonly mode: 'normal' | 'none' }
  readonly thresholdsStyle: { readonly mode: 'off' | 'dashed' }
}

/** How a value that is none is written. */
export interface GrafanaMapping {
  readonly type: 'special'
  readonly options: { readonly match: 'null+nan'; readonly result: { readonly text: string } }
}

/** What holds for all values of a panel. */
export interface FieldDefaults {
  readonly unit: string
  readonly min: number
  readonly mappings: GrafanaMapping[]
  readonly color: { readonly mode: 'thresholds' | 'palette-classic' }
  readonly thresholds: {
    readonly mode: 'absolute'
    readonly steps: { readonly color: string; readonly value: number | null }[]
  }
  readonly custom?: GrafanaCurve
}

/** A panel. */
export interface GrafanaPanel {
  readonly id: number
  readonly type: 'timeseries' | 'stat'
  readonly title: string
  readonly description: string
  readonly datasource: DataSource
  readonly gridPos: Place
  readonly targets: GrafanaTarget[]
  readonly options: StatOptions | TimeSeriesOptions
  readonly fieldConfig: { readonly defaults: FieldDefaults; readonly overrides: never[] }
}

/** What can be chosen at the top. */
export interface GrafanaVariable {
  readonly type: 'datasource' | 'query'
  readonly name: string
  readonly label: string
  readonly query: string | { readonly query: string; readonly refId: string }
  readonly definition?: string
  readonly datasource?: DataSource
  /** 1: when the dashboard is opened; 2: when the time that is looked at changes. */
  readonly refresh: 1 | 2
  /** 0: shown. */
  readonly hide: 0
  /** 1: by the alphabet. */
  readonly sort?: 1
  readonly multi?: boolean
  readonly includeAll?: boolean
  readonly allValue?: string
  readonly current?: { readonly text: string[]; readonly value: string[] }
}

/** A dashboard. */
export interface GrafanaModel {
  readonly id: null
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly tags: string[]
  readonly schemaVersion: number
  readonly version: number
  readonly editable: boolean
  /** 1: crosshairs in all panels at once. */
  readonly graphTooltip: 1
  readonly timezone: string
  readonly time: { readonly from: string; readonly to: string }
  readonly refresh: string
  readonly annotations: { readonly list: never[] }
  readonly links: never[]
  readonly templating: { readonly list: GrafanaVariable[] }
  readonly panels: (GrafanaPanel | GrafanaRow)[]
}
