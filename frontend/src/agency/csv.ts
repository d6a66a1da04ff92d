/** Tables as CSV that a spreadsheet here opens: semicolons, UTF-8 with its mark, nothing taken for a formula. */

const MARK = '\ufeff'

export function csv(rows: readonly (readonly (string | number | null)[])[]): string {
  return MARK + rows.map((row) => row.map(cell).join(';')).join('\r\n') + '\r\n'
}

function cell(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value).replace('.', ',')
  // A text that begins like a formula would be run by the spreadsheet that opens it.
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[";\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
