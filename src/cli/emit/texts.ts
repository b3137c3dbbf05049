/** What `sluice emit` can write, each as a command with the flags of what makes it. */
import { Command } from 'commander'
import type { AlertOptions } from '../../monitor/alerts.ts'
import { alertRules } from '../../monitor/alerts.ts'
import type { GrafanaOptions } from '../../monitor/grafana.ts'
import { grafanaDashboard } from '../../monitor/grafana.ts'
import type { AutoscalerOptions } from '../../monitor/kubernetes.ts'
import { autoscalerFit, horizontalPodAutoscaler, prometheusAdapterRule } from '../../monitor/kubernetes.ts'
import type { PostgresqlConfOptions } from '../../monitor/postgresql-conf.ts'
import { postgresqlConf } from '../../monitor/postgresql-conf.ts'
import { numberOption } from '../numbers.ts'
import { badInput } from '../refusal.ts'

/** Where a text goes; each of the commands has these flags. */
export interface Destination {
  /** A file; undefined for standard output. */
  readonly output?: string
  readonly force?: true
  readonly json?: true
}

/** A text, and what whoever asked for it should hear besides. */
export interface Emitted {
  readonly text: string
  readonly warning?: string | undefined
}

/** Takes what a command makes to where it goes. */
export type Emit = (destination: Destination, make: () => Emitted) => void

/** The commands. */
export function textCommands(emit: Emit): Command[] {
  return [alerts(emit), grafana(emit), autoscaler(emit), adapter(emit), configuration(emit)]
}

function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('-o, --output <file>', 'write to a file; default: standard output')
    .option('--force', 'replace the file if there is one')
    .option('--json', 'one JSON object and nothing else, the text in it')
}

/** The flags that are not about where the text goes. */
function own<F extends Destination>(flags: F): Omit<F, keyof Destination> {
  const { force: _force, json: _json, output: _output, ...rest } = flags
  return rest
}

function alerts(emit: Emit): Command {
  type Flags = Destination & Omit<AlertOptions, 'labels'> & { readonly label: Labels }
  return command('alerts', 'alert rules for Prometheus')
    .option('--runbook-url <url>', "what stands before an alert's name in the address of its runbook")
    .option('--label <name=value>', 'a label of every alert; again for more', readLabel)
    .action((flags: Flags) =>
      emit(flags, () => {
        const { label, ...rest } = own(flags)
        return { text: alertRules({ ...rest, labels: label ?? {} }) }
      }),
    )
}

type Labels = Readonly<Record<string, string>>

function readLabel(text: string, labels: Labels = {}): Labels {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw badInput(`--label must be a name and a value such as team=data; it is ${JSON.stringify(text)}.`)
  return { ...labels, [name]: value }
}

function grafana(emit: Emit): Command {
  return command('grafana', 'a dashboard for Grafana to import')
    .option('--title <title>', 'default: Sluice: connection pools')
    .option('--uid <uid>', 'what its address ends with; default: sluice-pools')
    .action((flags: Destination & GrafanaOptions) =>
      emit(flags, () => ({ text: grafanaDashboard(own(flags)) })),
    )
}

function autoscaler(emit: Emit): Command {
  const replicas = { min: 1, max: 1_000 }
  const most = { name: '--pool-max', min: 1, max: 100_000 }
  const limit = { name: '--server-limit', min: 1, max: 1_000_000 }
  return command('hpa', 'a HorizontalPodAutoscaler for Kubernetes, by CPU and by how full pools are')
    .requiredOption('--deployment <name>', 'the Deployment to scale')
    .option('--name <name>', 'of the autoscaler; default: that of the Deployment')
    .option('--namespace <name>', 'default: the one that it is applied in')
    .addOption(numberOption({ name: '--min-replicas', ...replicas }, 'default 2'))
    .addOption(numberOption({ name: '--max-replicas', ...replicas }, 'default 20'))
    .addOption(numberOption(most, 'connections of one replica: says whether the server has enough'))
    .addOption(numberOption(limit, 'max_connections of the server, for --pool-max; default 100'))
    .action((flags: Destination & AutoscalerOptions) =>
      emit(flags, () => {
        const options = own(flags)
        const text = horizontalPodAutoscaler(options)
        const fit = autoscalerFit(options)
        return { text, warning: fit?.fits === false ? fit.sentence : undefined }
      }),
    )
}

function adapter(emit: Emit): Command {
  return command('adapter', 'the rule of prometheus-adapter that hpa needs').action((flags: Destination) =>
    emit(flags, () => ({ text: prometheusAdapterRule() })),
  )
}

function configuration(emit: Emit): Command {
  type Flags = Destination & Omit<PostgresqlConfOptions, 'memoryMegabytes'> & { readonly memory: number }
  return command('postgresql.conf', 'settings of a Postgres server that pools connect to')
    .requiredOption('--memory <size>', "the server's memory, such as 16GB", readMemory)
    .addOption(numberOption({ name: '--max-connections', min: 10, max: 10_000 }, 'default 200'))
    .option('--role <name>', 'of the pools, for its time limits; default: app')
    .action((flags: Flags) =>
      emit(flags, () => {
        const { memory, ...rest } = own(flags)
        return { text: postgresqlConf({ ...rest, memoryMegabytes: memory }) }
      }),
    )
}

const UNITS = ['MB', 'GB', 'TB']

/** Whole megabytes; 1GB is 1,024MB, as Postgres has it. */
function readMemory(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([MGT]B)$/i.exec(text.trim()) ?? []
  const megabytes = Math.floor(Number(number) * 1_024 ** UNITS.indexOf(unit.toUpperCase()))
  if (megabytes >= 256 && megabytes <= 16_777_216) return megabytes
  throw badInput(`--memory must be a size from 256MB to 16TB such as 16GB; it is ${JSON.stringify(text)}.`)
}
