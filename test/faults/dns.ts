import { bulkArea } from './dns-bulk.ts'
import { hostsArea } from './dns-hosts.ts'
import { dmarcArea, keysArea } from './dns-keys.ts'
import { resolverAreas, unboundArea } from './dns-resolver.ts'
import { spfArea } from './dns-spf.ts'
import { dnsPairsArea } from './dns-pairs.ts'
import { dnsRefusalsArea } from './dns-refusals.ts'
import { dnsSesArea } from './dns-ses.ts'
import { runnable } from './runner.ts'

export const dnsAreas = [
  ...[spfArea, keysArea, dmarcArea, hostsArea, bulkArea, ...resolverAreas].map(runnable),
  runnable(unboundArea),
  runnable(dnsSesArea),
  runnable(dnsRefusalsArea),
  runnable(dnsPairsArea),
]
