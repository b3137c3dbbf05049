/** What an interface declares under one name. */
export interface Option {
  readonly name: string
  readonly type: string
  readonly text: string
}

interface Sources {
  readonly config: string
  readonly engine: string
}

interface Variable {
  readonly name: string
  readonly option: string
  readonly unit: string
  readonly fallback?: string
}

interface Tables {
  readonly profiles: Readonly<
    Record<string, { suits: string; endpoints: readonly string[]; options: object }>
  >
  readonly environments: Readonly<Record<string, object>>
  readonly traffic: Readonly<Record<string, object>>
  readonly address: readonly Variable[]
  readonly families: readonly (readonly Variable[])[]
  readonly parameters: readonly Variable[]
}

export function optionsOf(source: string, name: string): Option[]
export function makeConfiguration(sources: Sources, tables: Tables): string
export function sources(): Sources
