import path from 'node:path'
import { runProcess } from '../servers/processes.ts'

/** Installs the newest Patroni from PyPI below a folder, and gives its binary. Other users must be able to read the folder. */
export async function newestPatroni(below: string): Promise<string> {
  const folder = path.join(below, 'venv')
  // That of the system: one in a home folder could not be read by the user of the servers.
  await runProcess('/usr/bin/python3', ['-m', 'venv', folder])
  const packages = ['patroni[etcd3]', 'psycopg[binary]']
  await runProcess(path.join(folder, 'bin', 'pip'), ['install', '--quiet', ...packages], { timeoutMs: 300_000 })
  return path.join(folder, 'bin', 'patroni')
}
