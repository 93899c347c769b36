/** A wider terminal is hard to read. */
const widest = 140
const usual = 100

/**
 * How wide check prints, in columns. `given` is the variable COLUMNS, which counts also where the output is no terminal;
 * `terminal` is the width of the terminal.
 */
export const widthOf = (given: string | undefined, terminal: number | undefined): number =>
  given !== undefined && /^[1-9]\d{0,3}$/.test(given) ? Number(given) : Math.min(terminal ?? usual, widest)
