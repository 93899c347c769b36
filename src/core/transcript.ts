import { cut, ellipsis, visibleLines } from './shown.ts'

/** A step of a run, or an answer: one line, or a few that belong together. */
export interface Note {
  /** Milliseconds since the run began. */
  readonly atMs: number
  readonly phase: string
  readonly text: string
}

/** Adds to the notes of a run. */
export type TakeNote = (text: string) => void

/** The most that is kept of a run: notes, characters of one note, and characters of all. */
export const limits = { notes: 100, note: 2_500, all: 16_000 }

interface Notes {
  readonly note: (phase: string, text: string) => void
  /** The notes up to now. Secrets are redacted when they are read. */
  readonly soFar: () => (redact: (text: string) => string) => readonly Note[]
}

/** Takes the notes of a run. Every run makes them and few are read, so that a note costs only its place in a list. */
export function takeNotes(): Notes {
  const began = performance.now()
  const notes: Note[] = []
  let length = 0
  let leftOut = 0
  return {
    note(phase, text) {
      const short = cut(text, limits.note)
      notes.push({ atMs: performance.now() - began, phase, text: short })
      length += short.length
      // The beginning shows what was tried, and the end what came of it.
      while (notes.length > limits.notes || length > limits.all) {
        const [gone] = notes.splice(Math.floor(notes.length / 2), 1)
        length -= gone?.text.length ?? 0
        leftOut++
      }
    },
    soFar() {
      const [taken, without] = [[...notes], leftOut]
      return redact => {
        const clean = taken.map(({ text, ...rest }) => ({ ...rest, text: visibleLines(redact(text)) }))
        const half = Math.floor(clean.length / 2)
        const gap = { atMs: clean[half]?.atMs ?? 0, phase: '', text: `${ellipsis} ${without} more, which are not kept` }
        return without === 0 ? clean : [...clean.slice(0, half), gap, ...clean.slice(half)]
      }
    },
  }
}
