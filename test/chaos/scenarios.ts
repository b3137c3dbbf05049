/** Every scenario by its name. */
import { frozenClient, stalledLoop } from './client-stalls.ts'
import { kills } from './kills.ts'
import { readOnlyPrimary, restart } from './restarts.ts'
import type { Scenario } from './scenario.ts'
import { frozenServer, rotatedPassword, tooManyClients } from './server-states.ts'

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'kill-one': kills('one'),
  'kill-idle': kills('idle'),
  'kill-all': kills('all'),
  'restart-fast': restart('fast'),
  'restart-immediate': restart('immediate'),
  'read-only': readOnlyPrimary,
  'too-many-clients': tooManyClients,
  'rotated-password': rotatedPassword,
  'frozen-server': frozenServer,
  'frozen-client': frozenClient,
  'stalled-loop': stalledLoop,
}
