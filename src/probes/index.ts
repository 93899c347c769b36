import { drift } from './drift/index.ts'
import { kubernetes } from './kubernetes/index.ts'
import { mail } from './mail/index.ts'
import { packages } from './packages/index.ts'
import { postgres } from './postgres/index.ts'
import { ses } from './ses/index.ts'
import { settings } from './settings/index.ts'
import { smtp } from './smtp/index.ts'
import { vault } from './vault/index.ts'
import { writePath } from './write_path/index.ts'

/** Every kind of look there is. A new probe is its folder and its line here. */
export const probes = [postgres, writePath, smtp, vault, kubernetes, ses, settings, packages, drift, mail] as const

/** Those with a section of the file, which is a list of targets. */
export const listedProbes = probes.filter(probe => 'target' in probe)
