/** A real rspamd beside mail servers (milter): signs by DKIM what comes from a user, and checks SPF, DKIM and DMARC of the rest. */
import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { freePort, have, isRoot, removeFolder, startProcess, tempFolder, untilListening } from './processes.ts'

export const rspamdInstall = 'as root: apt-get install rspamd'

export const rspamdBinary = (): string | undefined => (isRoot() ? have('rspamd') : undefined)

export interface Rspamd {
  readonly port: number
  /** The record of the key that it signs with, for `selector._domainkey.DOMAIN`. */
  readonly record: string
  readonly log: () => string
  stop: () => Promise<void>
}

interface RspamdOptions {
  /** The name server that it asks: a port of 127.0.0.1. */
  readonly dnsPort: number
  /** Domains whose mail it signs. */
  readonly signed: readonly string[]
  readonly selector: string
  /** The name in its Authentication-Results. */
  readonly authservId: string
}

const configuration = (folder: string, port: number, options: RspamdOptions): string => `
options {
  pidfile = "${folder}/pid";
  control_socket = "${folder}/control";
  tempdir = "${folder}";
  hs_cache_dir = "${folder}";
  # Few, since it compiles them all at the start.
  url_tld = "${folder}/tlds";
  filters = "dkim";
  dns { nameserver = ["127.0.0.1:${options.dnsPort}"]; timeout = 1s; retransmits = 2; }
  local_addrs = [];
  # All hosts are on one machine.
  check_local = true;
}
lang_detection { languages = "${folder}/none"; }
logging { type = "console"; level = "info"; }
worker "rspamd_proxy" {
  bind_socket = "127.0.0.1:${port}";
  milter = yes;
  count = 1;
  timeout = 5s;
  upstream "local" { default = yes; self_scan = yes; hosts = "localhost"; }
}
modules {
${['spf', 'dmarc', 'milter_headers', 'dkim_signing'].map(name => `  path = "/usr/share/rspamd/plugins/${name}.lua";`).join('\n')}
}
spf { }
dkim { }
dmarc { }
dkim_signing {
  sign_authenticated = true;
  sign_local = false;
  use_esld = false;
  allow_hdrfrom_mismatch = true;
  allow_username_mismatch = true;
  check_pubkey = false;
  try_fallback = false;
  domain {
${options.signed.map(domain => `    "${domain}" { path = "${folder}/key.pem"; selector = "${options.selector}"; }`).join('\n')}
  }
}
milter_headers {
  use = ["authentication-results"];
  skip_local = false;
  skip_authenticated = true;
  routines { authentication-results { hostname = "${options.authservId}"; } }
}
metric { name = "default"; actions { reject = 1000; add_header = 900; } }
`

export async function startRspamd(options: RspamdOptions): Promise<Rspamd> {
  const binary = rspamdBinary()
  if (binary === undefined) throw new Error(`rspamd cannot run here: ${rspamdInstall}`)
  const folder = tempFolder('mailpath-rspamd-')
  const port = await freePort()
  // Short, so that its record fits into one packet.
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  await writeFile(path.join(folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await writeFile(path.join(folder, 'tlds'), 'com\nnet\norg\n')
  await writeFile(path.join(folder, 'rspamd.conf'), configuration(folder, port, options))
  const running = startProcess('rspamd', binary, ['-f', '-i', '-c', path.join(folder, 'rspamd.conf')], {
    cwd: '/',
    logFile: path.join(folder, 'rspamd.log'),
    lastSignal: 'SIGTERM',
  })
  await untilListening(running, port)
  return {
    port,
    record: `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`,
    log: running.log,
    async stop() {
      await running.stop('SIGTERM', 2000)
      await removeFolder(folder)
    },
  }
}
