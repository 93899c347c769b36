/** The folders of src, from the bottom up. */
export declare const floors: readonly string[]
