import { mail } from '../../src/probes/mail/index.ts'
import { byKubernetes, probeContract } from './contract.ts'

probeContract(
  mail,
  () => ({ name: 'backend', provider: { kubernetes: { namespace: 'keybuzz', secret: 'app', key: 'PROVIDER' } } }),
  byKubernetes,
)
