import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os'

/** All addresses of this machine; none if the sandbox of the process forbids netlink. */
export function ownAddresses(): readonly NetworkInterfaceInfo[] {
  try {
    return Object.values(networkInterfaces()).flatMap(list => list ?? [])
  } catch {
    return []
  }
}
