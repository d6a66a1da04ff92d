/** JSON that people edit. */

/** What is wrong with a JSON text, empty when nothing is. */
export function jsonFault(text: string): string {
  try {
    JSON.parse(text)
    return ''
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
