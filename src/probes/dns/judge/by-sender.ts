import { groupBy } from '../../../core/group.ts'

/**
 * The addresses of senders that have no good one. A host with several addresses, such as one of IPv4 and one of IPv6, may send
 * from the good one only, so that its others are no proof that mail fails.
 */
export const ofLostSenders = <Address extends { readonly sender: string }>(
  addresses: readonly Address[],
  isBad: (address: Address) => boolean,
): readonly Address[] => [...groupBy(addresses, ({ sender }) => sender).values()].filter(all => all.every(isBad)).flat()
