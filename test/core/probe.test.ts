import * as z from 'zod'
import { expect, it } from 'vitest'
import { gauge, sample } from '../../src/core/metric.ts'
import { defineImplied, defineProbe, finding, reasonsOf, type ReasonSpec, type Target } from '../../src/core/probe.ts'
import { look } from '../probes/look.ts'

const metrics = { open: gauge('mailpath_door_open', 'Whether the door is open.', ['target']) }
const foreign = gauge('mailpath_window_open', 'The same labels, and the metric of another probe.', ['target'])
const bad = {
  verdict: 'fail',
  severity: 'high',
  meaning: 'It is bad.',
  remedy: 'Fix it.',
} as const satisfies ReasonSpec
const reasons = { door_closed: bad, door_stuck: bad }
const reason = reasonsOf(reasons)
const foreignReason = reasonsOf({ window_closed: bad })

const door = {
  kind: 'door',
  summary: 'A door.',
  metrics,
  reasons,
  observe: (_target: Target): Promise<{ open: boolean }> => Promise.resolve({ open: true }),
}

it('a probe gives samples and reasons of its own', async () => {
  const own = defineImplied({
    ...door,
    judge: ({ open }, { name }) =>
      finding('', open ? [] : [reason('door_closed', 'closed')], sample(metrics.open, open, { target: name })),
  })
  const listed = defineProbe({ ...own, target: z.object({ name: z.string() }) })
  for (const probe of [own, listed]) expect(await look(probe, { name: 'front' })).toMatchObject({ verdict: 'ok' })
})

it('a judge with a metric or a reason of another probe does not compile', () => {
  const some: string = 'door_stuck'
  const both = [sample(metrics.open, 1, { target: 'a' }), sample(foreign, 1, { target: 'a' })].flat()
  const judges = [
    // @ts-expect-error: the metric is of another probe, with the same labels
    defineImplied({ ...door, judge: () => finding('', [], sample(foreign, 1, { target: 'a' })) }),
    // @ts-expect-error: one of the two metrics is
    defineImplied({ ...door, judge: () => finding('', [], both) }),
    // @ts-expect-error: the reason is of another probe
    defineImplied({ ...door, judge: () => finding('', [foreignReason('window_closed', 'closed')], []) }),
    // @ts-expect-error: it may be any reason
    defineImplied({ ...door, judge: () => finding('', [{ ...reason('door_stuck', ''), code: some }], []) }),
    // @ts-expect-error: the probe has no metrics
    defineImplied({ ...door, metrics: {}, judge: () => finding('', [], sample(foreign, 1, { target: 'a' })) }),
    // @ts-expect-error: there is no such reason
    defineImplied({ ...door, judge: () => finding('', [reason('door_lost', '')], []) }),
  ]
  expect(judges).toHaveLength(6)
})

it('a label that its metric does not have is not lost: the check is unknown, and says why', async () => {
  const labels = { target: 'front', colour: 'red' } as { target: string }
  const probe = defineImplied({ ...door, judge: () => finding('', [], sample(metrics.open, true, labels)) })
  expect(await look(probe, { name: 'front' })).toMatchObject({
    verdict: 'unknown',
    reasons: [
      {
        code: 'probe_error',
        text: expect.stringContaining(
          'mailpath_door_open has the labels (target), and was given (target,colour)',
        ) as string,
      },
    ],
  })
})
