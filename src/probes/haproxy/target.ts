import * as z from 'zod'
import type { BasicLogin } from '../../clients/http-target.ts'
import type { Target } from '../../core/probe.ts'
import { shapes } from '../../core/shape.ts'
import { basicLogin, loginPair, tlsFiles } from '../../fields/http.ts'
import { certificateWarning, literalUrl, section, targetFields, targetName } from '../../fields/index.ts'
import { certificatePair } from '../../fields/together.ts'

export interface HaproxyTarget extends Target, BasicLogin {
  readonly url?: string | undefined
  /** Path of a Unix socket, or `host:port`. */
  readonly socket?: string | undefined
  readonly ca_file?: string | undefined
  readonly cert_file?: string | undefined
  readonly key_file?: string | undefined
  /** Milliseconds. */
  readonly certificate_warning: number
  /** The postgres target behind a server, by the name of the server. */
  readonly servers?: Readonly<Record<string, string>> | undefined
}

/** A path of Linux has at most 107 bytes; an IPv6 address is in brackets. */
function isPlace(text: string): boolean {
  if (text.startsWith('/')) return Buffer.byteLength(text) < 108 && shapes.path.read(text) !== undefined
  const [, host = '', port = ''] = /^(\[.*\]|[^:]*):(\d+)$/s.exec(text) ?? []
  const bare = host.replace(/^\[(.*)\]$/s, '$1')
  return bare.trim() === bare && shapes.host.read(bare) !== undefined && shapes.port.read(port) !== undefined
}

export const haproxyTarget: z.ZodType<HaproxyTarget> = section({
  ...targetFields,
  url: literalUrl(['http', 'https'], 'http://lb-1:8404/metrics')
    .optional()
    .describe(
      'Its Prometheus endpoint (http-request use-service prometheus-exporter), or its statistics as CSV (`http://lb-1:8404/stats;csv`).',
    ),
  socket: z
    .string()
    .refine(isPlace, 'expected the path of a Unix socket, or host:port')
    .optional()
    .describe(
      'Instead of `url`: its runtime API (`stats socket`), a path or host:port. `level user` is enough. Only this says the addresses of servers without more.',
    ),
  ...basicLogin('User of the statistics, with `url`.'),
  ...tlsFiles('PEM file of a client certificate.'),
  certificate_warning: certificateWarning,
  servers: z
    .record(z.string().min(1), targetName('postgres'))
    .optional()
    .describe(
      'The postgres target behind a server, by the name of the server. Default: the one with the address of the server, else the one with its name.',
    ),
}).superRefine((value, context) => {
  certificatePair(value, context)
  loginPair(value, context)
  if ((value.url === undefined) === (value.socket === undefined)) context.addIssue('give exactly one of url and socket')
  if (value.socket !== undefined)
    for (const key of ['user', 'ca_file', 'cert_file'] as const)
      if (value[key] !== undefined) context.addIssue({ code: 'custom', path: [key], message: 'goes with url' })
})
