/** Until each subject is built. */
export const orElse = async <T>(looking: Promise<T>, instead: T): Promise<T> => {
  try {
    return await looking
  } catch (error) {
    if (error instanceof Error && error.message === 'not built yet') return instead
    throw error
  }
}
