/** Every scenario by its name. */
import { noisyAgent } from './agents.ts'
import { cancels } from './cancels.ts'
import { frozenClient, stalledLoop } from './client-stalls.ts'
import { kills } from './kills.ts'
import { memory } from './memory.ts'
import { blackhole, blackholeAndKill, outage, resets } from './network.ts'
import { overload } from './overload.ts'
import { readOnlyPrimary, restart } from './restarts.ts'
import type { Scenario } from './scenario.ts'
import { frozenServer, rotatedPassword, tooManyClients } from './server-states.ts'
import { spike } from './spike.ts'

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'kill-one': kills('one'),
  'kill-idle': kills('idle'),
  'kill-all': kills('all'),
  'restart-fast': restart('fast'),
  'restart-immediate': restart('immediate'),
  outage,
  'blackhole-short': blackhole('short'),
  'blackhole-long': blackhole('long'),
  'blackhole-killed': blackholeAndKill,
  resets,
  'read-only': readOnlyPrimary,
  'too-many-clients': tooManyClients,
  'rotated-password': rotatedPassword,
  'frozen-server': frozenServer,
  'frozen-client': frozenClient,
  'stalled-loop': stalledLoop,
  cancels,
  spike,
  'overload-1.3': overload(1.3),
  'overload-2': overload(2),
  'overload-10': overload(10),
  'noisy-agent': noisyAgent,
  memory,
}
