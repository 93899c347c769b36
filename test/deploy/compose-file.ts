/** deploy/compose.yml, as far as the tests look at it. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

interface Service {
  readonly image?: string
  readonly build?: string
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** `source:target:ro`. */
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: object
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

export const deployFolder = fileURLToPath(new URL('../../deploy/', import.meta.url))
/** YAML 1.1 for its merges; a port such as 22:22 would be a number to it, too. */
export const compose = parse(readFileSync(`${deployFolder}/compose.yml`, 'utf8'), { merge: true }) as Compose

export function serviceOf(name: string): Service {
  const found = compose.services[name]
  if (found === undefined) throw new Error(`there is no service ${name}`)
  return found
}

interface Mount {
  /** An absolute path, or the name of a volume. */
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

export const mountsOf = ({ volumes = [] }: Service): Mount[] =>
  volumes.map(volume => {
    const [source = '', target = '', mode] = volume.split(':')
    return {
      source: source.startsWith('.') ? path.join(deployFolder, source) : source,
      target,
      readOnly: mode === 'ro',
    }
  })

/** The file of ours that a container finds at this path, or undefined where that is in no mount. */
export function mounted(service: Service, file: string): string | undefined {
  const mount = mountsOf(service).find(({ target }) => file === target || file.startsWith(`${target}/`))
  return mount && path.join(mount.source, path.relative(mount.target, file))
}
