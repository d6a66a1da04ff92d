/** One figure of a unit in a row: value and counts, target and its document, where it is headed, its place, what it was. */

import { date, number } from '../i18n/format'
import { portalWords } from '../i18n/portal/words'
import { say, w } from '../i18n/words'
import type { FigureItem, UnitStanding } from '../live/protocol'
import { FigureAge, FigureCounts, FigureValue } from '../panels/figure'
import { useDated } from '../standing/dated'
import { isHeadedWrong, outlookOf } from '../standing/standing'
import { gapSentence, movements, shown } from '../standing/tell'

export function FigureRow({ standing }: { standing: UnitStanding }) {
  const figure = useDated(standing.figure)
  const gap = gapSentence(figure)
  const moved = movements(figure)
  const breaks = figure.breaks ?? []
  return (
    <tr data-testid="own-figure" data-id={figure.indicator}>
      <th scope="row">
        {say(figure.name)}
        {figure.note && (
          <details>
            <summary class="caption">{portalWords().howMade}</summary>
            <span class="caption">{say(figure.note)}</span>
          </details>
        )}
      </th>
      <td>
        <FigureValue figure={figure} />
        <div class="caption">
          <FigureCounts figure={figure} />
        </div>
        <div class="caption">
          <FigureAge figure={figure} always />
        </div>
      </td>
      <td>
        <Target figure={figure} />
        {gap && (
          <div class={figure.standing === 'behind' ? 'behind' : ''} data-testid="gap">
            {gap}
          </div>
        )}
      </td>
      <td>
        <Course standing={{ ...standing, figure }} />
      </td>
      <td>
        <Rank figure={figure} />
      </td>
      <td>
        {moved.length === 0 && <span class="caption">{portalWords().nothingToCompare}</span>}
        {moved.map((line) => (
          <div key={line} data-testid="moved">
            {line}
          </div>
        ))}
        {breaks.map((one) => (
          <div key={one.at} class="caption">
            {w().notComparable(date(one.at), say(one.reason))}
          </div>
        ))}
      </td>
    </tr>
  )
}

function Target({ figure }: { figure: FigureItem }) {
  const words = w()
  const { target } = figure
  if (!target) return <span class="caption">{portalWords().noTarget}</span>
  return (
    <>
      <div data-testid="target">{words.targetShort(shown(figure, target.value))}</div>
      <div class="caption">
        {target.document}
        {target.until && ` · ${portalWords().until(date(target.until))}`}
      </div>
    </>
  )
}

/** "khó đạt", "Dự báo cuối kỳ 50,4 % (từ 50,0 % đến 50,8 %)", and why, which tells the pace that is needed. */
function Course({ standing }: { standing: UnitStanding }) {
  const words = w()
  const { figure, forecast } = standing
  const outlook = outlookOf(standing)
  if (!outlook) return <span class="caption">{portalWords().notSteered}</span>
  const { course } = outlook
  return (
    <div data-testid="course" data-course={course}>
      <b class={isHeadedWrong(course) ? 'behind' : ''}>{course === 'unknown' ? portalWords().courseUnknown : words.courses[course]}</b>
      {forecast && (
        <div data-testid="forecast">{words.outlookTill(shown(figure, forecast.value), shown(figure, forecast.low), shown(figure, forecast.high))}</div>
      )}
      <div class="caption" data-testid="why">{say(outlook.reason)}</div>
    </div>
  )
}

function Rank({ figure }: { figure: FigureItem }) {
  const words = w()
  const { rank, of, movement } = figure
  if (!rank || !of) return <span class="caption">{portalWords().notRanked}</span>
  const moved = movement == null ? '' : movement > 0 ? words.rankRose(number(movement)) : movement < 0 ? words.rankFell(number(-movement)) : words.rankKept
  return (
    <div data-testid="rank">
      {words.rankOf(number(rank), number(of))}
      {moved && <div class="caption">{moved}</div>}
    </div>
  )
}
