import { dashboard } from './build/dashboard.ts'
import { checks, oldest, runs, verdicts } from './panels/checks.ts'
import { reload, resources, stateFile, up, versions } from './panels/process.ts'

export const exporter = dashboard({
  uid: 'mailpath-exporter',
  title: 'Mail path / Exporter',
  description: 'Does the exporter itself work: does every check run, on time, and on a good configuration?',
  rows: [
    {
      bands: [
        {
          height: 5,
          panels: [
            [5, up],
            [7, verdicts],
            [4, reload],
            [4, stateFile],
            [4, oldest],
          ],
        },
      ],
    },
    {
      title: 'Checks',
      bands: [
        { height: 12, panels: [[24, checks]] },
        {
          height: 8,
          panels: [
            [6, runs.rate],
            [6, runs.failures],
            [6, runs.wakeups],
            [6, runs.age],
          ],
        },
        {
          height: 9,
          panels: [
            [12, runs.duration],
            [12, runs.phases],
          ],
        },
      ],
    },
    {
      title: 'Process',
      bands: [
        {
          height: 7,
          panels: [
            [8, resources.cpu],
            [8, resources.memory],
            [8, resources.eventLoop],
          ],
        },
        {
          height: 7,
          panels: [
            [6, resources.starved],
            [6, resources.files],
            [6, resources.scrape],
            [6, resources.samples],
          ],
        },
        {
          height: 7,
          panels: [
            [8, resources.requests],
            [8, resources.requestDuration],
            [8, resources.logLines],
          ],
        },
        {
          height: 7,
          panels: [
            [12, resources.connections],
            [12, resources.refused],
          ],
        },
        { height: 5, panels: [[24, versions]] },
      ],
    },
  ],
})
