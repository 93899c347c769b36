import { arriving, intoJunk, lostBehind, lostWithRelay } from './arriving.ts'
import { balanced, lagging, unseen } from './balanced.ts'
import { believed, disbelieved } from './believed.ts'
import { hangingSender, noWayOut, secondWayOut } from './delivering.ts'
import { hostile, many, splitBrain } from './extremes.ts'
import { excepted, healthy, incident, starting } from './pages.ts'

/** Every status that the page is tested with, by name. */
export const statuses = {
  healthy,
  incident,
  excepted,
  starting,
  splitBrain,
  many,
  hostile,
  balanced,
  lagging,
  unseen,
  secondWayOut,
  noWayOut,
  hangingSender,
  arriving,
  lostBehind,
  lostWithRelay,
  intoJunk,
  believed,
  disbelieved,
}
