/** What became of what was handed in: a sentence, and each row that was not taken with its cell and cure. */

import { number } from '../i18n/format'
import { portalWords } from '../i18n/portal/words'
import { say, w } from '../i18n/words'
import type { HandReceipt, RefusedReport } from '../live/protocol'

export function Receipt({ receipt }: { receipt: HandReceipt | null }) {
  const words = w()
  if (!receipt) return null
  const { received, stored, duplicate, corrected, quarantined, refused } = receipt
  return (
    <div class="report-receipt pad" role="status" data-testid="receipt" data-stored={stored} data-quarantined={quarantined}>
      <p class="receipt-line">{portalWords().receipt(number(received), number(stored), number(corrected), number(duplicate), number(quarantined))}</p>
      {refused.length > 0 && (
        <ul>
          {refused.map((one) => (
            <li key={one.index} data-testid="refused-row" data-cell={one.cell ?? ''}>
              <b class="behind">
                {whereText(one)}: {say(one.title)}.
              </b>{' '}
              {words.cure}: {say(one.cure)}
              <div class="caption">{one.detail}</div>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

function whereText({ sheet, cell, row, index }: RefusedReport): string {
  const words = portalWords()
  if (sheet && cell) return words.atSheetCell(sheet, cell)
  if (cell) return words.atCell(cell)
  return words.atRow(number(row ?? index + 1))
}
