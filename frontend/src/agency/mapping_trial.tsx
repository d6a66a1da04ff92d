/** What a mapping makes of a sample: its rows, and each refusal with its cure. */

import { clockSeconds, date, number, uomSign } from '../i18n/format'
import { portalWords } from '../i18n/portal/words'
import { say, w } from '../i18n/words'
import type { TrialAnswer } from '../live/protocol'

/** Rows that are shown; the sentence above them counts all. */
const SHOWN = 50

export function Trial({ answer }: { answer: TrialAnswer | null }) {
  if (!answer) return null
  const { rows, features, problems } = answer.trial
  return (
    <div class="report-receipt" role="status" data-testid="trial" data-rows={answer.rows_found} data-problems={problems.length}>
      <p class="receipt-line">{portalWords().mapping.found(number(answer.rows_found), number(problems.length))}</p>
      {problems.length > 0 && <Problems answer={answer} />}
      {rows.length === 0 ? <p class="caption">{portalWords().mapping.nothing}</p> : <Rows rows={rows} />}
      {features.length > 0 && <p>{portalWords().mapping.places(features.map((each) => each.name || each.id).join(', '))}</p>}
    </div>
  )
}

function Problems({ answer }: { answer: TrialAnswer }) {
  const words = w()
  const reasons = new Map(answer.reasons.map((each) => [each.reason, each]))
  return (
    <ul>
      {answer.trial.problems.slice(0, SHOWN).map((one, place) => (
        <li key={place} data-testid="trial-problem" data-reason={one.reason}>
          <b class="behind">
            {one.index < 0 ? portalWords().mapping.whole : words.quarantineIndex(number(one.index + 1))}: {say(reasons.get(one.reason)?.title)}.
          </b>{' '}
          {words.cure}: {say(reasons.get(one.reason)?.cure)}
          <div class="caption">{one.detail}</div>
        </li>
      ))}
    </ul>
  )
}

/** With as many decimals as it has: what was read is looked at here, not told. */
function exact(value: number): string {
  return number(value, Math.min(10, String(value).split('.')[1]?.length ?? 0))
}

function Rows({ rows }: { rows: TrialAnswer['trial']['rows'] }) {
  const words = portalWords().mapping
  return (
    <div class="scroll tall">
      <table>
        {rows.length > SHOWN && <caption class="caption">{words.first(number(SHOWN))}</caption>}
        <thead>
          <tr>
            <th>{words.series}</th>
            <th>{words.time}</th>
            <th class="n">{words.value}</th>
            <th>{words.uom}</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, SHOWN).map((row, place) => (
            <tr key={place} data-testid="trial-row">
              <td>
                <code>{row.series}</code>
              </td>
              <td>
                {clockSeconds(row.time)} {date(row.time)}
              </td>
              <td class="n">{typeof row.value === 'number' ? exact(row.value) : String(row.value)}</td>
              <td>{uomSign(row.uom) || '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
