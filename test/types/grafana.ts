/** Checked by the compiler: the dashboard is one as Grafana publishes its schema. */
import type { Dashboard, GraphFieldConfig } from '@grafana/schema'
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen'
import type { Options as TimeSeriesOptions } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen'
import type { GrafanaModel, GrafanaPanel } from '../../src/monitor/grafana/model.ts'

/** Their enumerations as the words and numbers that JSON has for them. */
type Plain<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : { [K in keyof T]: Plain<T[K]> }

/** What JSON has is never frozen. */
type Loose<T> = T extends object ? { -readonly [K in keyof T]: Loose<T[K]> } : T

type Model = Loose<GrafanaModel>

declare const model: Model
export const asDashboard: Plain<Dashboard> = model

type Panel = Loose<GrafanaPanel>
declare const options: Panel['options']
export const asOptions: Plain<StatOptions> | Plain<TimeSeriesOptions> = options

declare const curve: NonNullable<Panel['fieldConfig']['defaults']['custom']>
export const asCurve: Plain<GraphFieldConfig> = curve

// @ts-expect-error a word that Grafana does not know
export const noCurve: Plain<GraphFieldConfig> = { ...curve, drawStyle: 'lines' }

// @ts-expect-error a number that is a text
export const noDashboard: Plain<Dashboard> = { ...model, schemaVersion: '42' }
