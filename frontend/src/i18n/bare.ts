/** Text as it is searched: without diacritics, in small letters. */

export function bare(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').replace(/đ/giu, 'd').toLowerCase().trim()
}
