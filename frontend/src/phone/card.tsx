/** One figure as a card: its value and target, where it came from, where it is headed, and who answers. */

import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { date, moment } from '../i18n/format'
import { say, w } from '../i18n/words'
import { serverNow } from '../live/clock'
import type { FigureItem, Outlook } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { FigureAge, FigureCounts, FigureMeasure, FigureName, FigureValue, TargetNote } from '../panels/figure'
import { isBad, isHeadedWrong } from '../standing/standing'
import { countsOf, courseWord, gapSentence, movements, paceSentence, shown, withCounts } from '../standing/tell'
import { Answers, Call } from './answers'
import { Spark } from './spark'

interface Props {
  figure: FigureItem
  outlook?: Outlook | null
  /** The same figure of the whole province, where this one is of a unit. */
  beside?: FigureItem | null
  /** Left out where the page says once who answers for all of it. */
  answers?: boolean
}

export function FigureCard({ figure, outlook = figure.outlook, beside, answers = true }: Props) {
  const told = answers && figure.answering && isBad(figure, outlook) ? figure.answering : null
  const gap = gapSentence(figure)
  const simulated = useCentre().city.value?.simulated ?? false
  return (
    <li class="card figure-card" data-testid="figure-card" data-id={figure.id}>
      <FigureName figure={figure} />
      <p class="figure-line">
        <FigureValue figure={figure} big />
        {gap && (
          <span class={figure.standing === 'behind' ? 'gap behind' : 'gap'} data-testid="gap">
            {gap}
          </span>
        )}
      </p>
      <FigureMeasure figure={figure} />
      <p class="caption figure-foot">
        <span>
          <FigureCounts figure={figure} />
          {figure.target && countsOf(figure) && ' · '}
          <TargetNote figure={figure} brief={simulated} />
        </span>
        <FigureAge figure={figure} always />
      </p>
      {beside && (
        <p class="beside" data-testid="beside">
          {w().wholeProvince(withCounts(beside))}
        </p>
      )}
      {figure.trend && <Spark trend={figure.trend} />}
      <Movements figure={figure} />
      {outlook && <OutlookLines figure={figure} outlook={outlook} />}
      {told && <Answers answering={told} />}
      <Actions figure={figure} outlook={outlook}>
        {told && <Call answering={told} />}
      </Actions>
    </li>
  )
}

function Movements({ figure }: { figure: FigureItem }) {
  const told = movements(figure)
  if (told.length === 0) return null
  return (
    <ul class="movements" data-testid="movements">
      {told.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  )
}

/** "Dự báo cuối kỳ 50,4 % (từ 50,0 % đến 50,8 %): khó đạt", and the pace that is needed. */
function OutlookLines({ figure, outlook }: { figure: FigureItem; outlook: Outlook }) {
  const words = w()
  const { course, value, low, high } = outlook
  const foreseen =
    value == null || low == null || high == null
      ? null
      : words.outlookTill(shown(figure, value), shown(figure, low), shown(figure, high))
  const word = courseWord(course)
  const pace = paceSentence(figure, outlook)
  return (
    <div class="outlook-lines" data-testid="outlook" data-course={course}>
      <p>
        {foreseen ? `${foreseen}: ` : ''}
        <b class={isHeadedWrong(course) ? 'behind' : ''}>{foreseen ? word : words.courseAlone(word)}</b>
      </p>
      {pace && <p data-testid="pace">{pace}</p>}
    </div>
  )
}

/** What a thumb can do: ask why, and call. */
function Actions({ figure, outlook, children }: { figure: FigureItem; outlook?: Outlook | null; children: ComponentChildren }) {
  const [open, turn] = useState(false)
  const words = w()
  const reasons = whyOf(figure, outlook)
  if (reasons.length === 0 && !children) return null
  return (
    <>
      <div class="actions">
        {reasons.length > 0 && (
          <button type="button" class="action" aria-expanded={open} data-testid="why" onClick={() => turn(!open)}>
            {outlook ? words.why : words.howCounted}
            <span aria-hidden="true">{open ? '▴' : '▾'}</span>
          </button>
        )}
        {children}
      </div>
      {open && (
        <div class="reasons" data-testid="reasons">
          {reasons.map((reason) => (
            <p key={reason}>{reason}</p>
          ))}
        </div>
      )}
    </>
  )
}

function whyOf(figure: FigureItem, outlook?: Outlook | null): string[] {
  const words = w()
  const reason = say(outlook?.reason)
  const told = reason ? [sentence(reason)] : []
  if (outlook?.at) told.push(words.foreseenAt(moment(outlook.at, serverNow())))
  for (const one of figure.breaks ?? []) told.push(words.notComparable(date(one.at), say(one.reason)))
  if (figure.note) told.push(words.aboutFigure(say(figure.note)))
  if (figure.target?.document) told.push(figure.target.document)
  return told
}

/** The reason as a sentence of its own. */
function sentence(text: string): string {
  return `${text.charAt(0).toLocaleUpperCase()}${text.slice(1)}.`
}
