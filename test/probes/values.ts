import type { Finding } from '../../src/core/probe.ts'

/** The value of the one sample of a metric that has these labels; undefined where there is none. */
export function valueOf(
  { samples }: Pick<Finding, 'samples'>,
  metric: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const matching = samples.filter(
    sample =>
      sample.metric.name === metric && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )
  if (matching.length > 1) throw new Error(`${metric} has ${matching.length} samples with these labels`)
  return matching[0]?.value
}
