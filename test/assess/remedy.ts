/** Whether a remedy begins as a sentence does: with a capital letter, or with code, an address or a command. */
export const beginsWell = (remedy: string): boolean => /^(?:\p{Lu}|`|"|\S*[\d.:/_=-])/u.test(remedy)
