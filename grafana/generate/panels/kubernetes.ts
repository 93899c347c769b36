import { metrics as kubernetes } from '../../../src/probes/kubernetes/judge.ts'
import { by, q } from '../build/promql.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'

export const apiServer = table({
  title: 'Kubernetes API server',
  description: 'Whether the API server that Secrets are read from answers, and accepts the login of the exporter.',
  noValue: 'Nothing is read from Kubernetes',
  labels: [{ label: 'target', title: 'Name' }],
  values: [
    {
      title: 'Answers',
      value: by('min', ['target'], q(kubernetes.reachable)),
      states: states.flag('yes', 'NO', { bad: 'no' }),
      width: 80,
    },
    {
      title: 'Login',
      value: by('min', ['target'], q(kubernetes.authenticated)),
      states: states.flag('yes', 'NO', { bad: 'no' }),
      width: 80,
    },
  ],
})
