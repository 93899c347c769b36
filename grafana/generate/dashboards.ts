import type { DashboardFile } from './build/dashboard.ts'
import { delivery } from './delivery.ts'
import { exporter } from './exporter.ts'
import { overview } from './overview.ts'
import { postgres } from './postgres.ts'
import { providers } from './providers.ts'

/** All of them; each is the file `grafana/dashboards/<uid>.json`. */
export const dashboards: readonly DashboardFile[] = [overview, postgres, providers, delivery, exporter]
