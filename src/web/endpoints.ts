import type { Endpoint } from './endpoint.ts'
import { failuresEndpoint } from './failures.ts'
import { healthyEndpoint, readyEndpoint, reloadEndpoint } from './lifecycle.ts'
import { metricsEndpoint } from './metrics.ts'
import { probeEndpoint } from './probe.ts'
import { apiEndpoint, pageEndpoint } from './status.ts'

const read = ['GET', 'HEAD']
const act = ['POST']

/** All endpoints. Only `/probe` and `/-/reload` wait for something: the others render what is known. */
export const endpoints: readonly Endpoint[] = [
  { path: '/', methods: read, createAnswer: pageEndpoint },
  { path: '/metrics', methods: read, createAnswer: metricsEndpoint, isDirect: true },
  { path: '/api/v1/status', methods: read, createAnswer: apiEndpoint },
  { path: '/probe', methods: read, createAnswer: probeEndpoint },
  { path: '/failures', methods: read, createAnswer: failuresEndpoint },
  { path: '/-/healthy', methods: read, createAnswer: healthyEndpoint, isDirect: true },
  { path: '/-/ready', methods: read, createAnswer: readyEndpoint, isDirect: true },
  { path: '/-/reload', methods: act, createAnswer: reloadEndpoint },
]
