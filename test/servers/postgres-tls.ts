import { chown, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { certificates } from './certificates.ts'
import { tempFolder, unprivileged } from './processes.ts'

export interface TlsFiles {
  /** The caller removes it. The server may write there: it can hold its sockets too. */
  readonly folder: string
  readonly file: (name: string) => string
  /** For postgresql.conf: the certificate of the server, and the authority that client certificates are to have. */
  readonly settings: Readonly<Record<string, string>>
}

/** The files of a server that offers TLS, and `ca.pem`, `client.crt`, `client.key` for a client. */
export async function writeTlsFiles(prefix: string): Promise<TlsFiles> {
  const { ca, good, client } = await certificates()
  const owner = unprivileged()
  const folder = tempFolder(prefix, owner)
  const file = (name: string): string => path.join(folder, name)
  const ofServer = { 'server.crt': good.cert, 'server.key': good.key, 'clients-ca.pem': ca }
  const ofClient = { 'ca.pem': ca, 'client.crt': client.cert, 'client.key': client.key }
  for (const [name, text] of Object.entries({ ...ofServer, ...ofClient })) {
    await writeFile(file(name), text, { mode: 0o600 })
    if (owner && name in ofServer) await chown(file(name), owner.uid, owner.gid)
  }
  const settings = {
    ssl: 'on',
    ssl_cert_file: file('server.crt'),
    ssl_key_file: file('server.key'),
    ssl_ca_file: file('clients-ca.pem'),
  }
  return { folder, file, settings }
}
