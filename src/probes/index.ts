import { canary } from './canary/index.ts'
import { dns } from './dns/index.ts'
import { drift } from './drift/index.ts'
import { haproxy } from './haproxy/index.ts'
import { kubernetes } from './kubernetes/index.ts'
import { mail } from './mail/index.ts'
import { needs, type NeedRow } from './needs.ts'
import { outbox } from './outbox/index.ts'
import { packages } from './packages/index.ts'
import { patroni } from './patroni/index.ts'
import { pgbouncer } from './pgbouncer/index.ts'
import { postgres } from './postgres/index.ts'
import { ses } from './ses/index.ts'
import { settings } from './settings/index.ts'
import { smtp } from './smtp/index.ts'
import { vault } from './vault/index.ts'
import { writePath } from './write_path/index.ts'

/** Every kind of check. CONTRIBUTING.md says what a new one takes. */
export const probes = [
  postgres,
  patroni,
  haproxy,
  pgbouncer,
  writePath,
  smtp,
  vault,
  kubernetes,
  ses,
  dns,
  outbox,
  canary,
  settings,
  packages,
  drift,
  mail,
] as const
type Kind = (typeof probes)[number]['kind']

/** A kind without a row in needs.ts does not compile here. */
const needOf: Readonly<Record<Kind, NeedRow>> = needs

/** Probes with a section in the file, which is a list of targets. */
export const listedProbes = probes.filter(probe => 'target' in probe)

/** Probes of the systems that mail needs; `mail` checks the application itself. */
export const systemProbes = probes.filter(({ kind }) => needOf[kind].need !== 'own')
