import type { Dns, DnsAnswer } from '../../clients/dns/index.ts'

/** TXT records of a name. */
export const look = (dns: Dns, name: string): Promise<DnsAnswer<string>> => dns.ask(name, 'TXT')
