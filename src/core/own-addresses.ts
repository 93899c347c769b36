import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os'

/** All addresses of this machine, of all interfaces; none where the sandbox of the process allows no netlink. */
export function ownAddresses(): readonly NetworkInterfaceInfo[] {
  try {
    return Object.values(networkInterfaces()).flatMap(list => list ?? [])
  } catch {
    return []
  }
}
