/** The row at the top: how procedures stand in three figures, and what came in by which way. */

import { date, number } from '../i18n/format'
import { say, w } from '../i18n/words'
import type { FigureItem } from '../live/protocol'
import { FigureAge, FigureValue } from '../panels/figure'
import type { Board } from './board'
import { Channels } from './channels'
import { LeadFigure } from './figure'
import { dayAt, lastBefore } from './history'

export function Headline({ board, known }: { board: Board; known: boolean }) {
  const words = w()
  const online = board.own.get('online-share')
  const onTime = board.own.get('on-time-share')
  const overdue = board.own.get('in-hand-overdue')
  if (!online && !onTime && !overdue) {
    return (
      <section class="panel proc-headline" data-testid="headline">
        <p class="caption pad proc-empty">{known ? words.notYet : words.loading}</p>
      </section>
    )
  }
  return (
    <section class="panel proc-headline" aria-label={words.procedures} data-testid="headline">
      {online && <LeadFigure figure={online} first />}
      {onTime && <LeadFigure figure={onTime} />}
      {overdue && <LeadFigure figure={overdue} counts={inHand(overdue, board.own.get('dossiers-in-hand'))} bad={(overdue.value ?? 0) > 0} />}
      <div class="proc-intake">
        <Count figure={board.own.get('dossiers-received')} name={words.procReceived} />
        <Count figure={board.own.get('dossiers-resolved')} name={words.procResolved} />
        <Channels board={board} />
      </div>
      <Compared figure={online ?? onTime} />
    </section>
  )
}

function inHand(overdue: FigureItem, all: FigureItem | undefined): string {
  if (overdue.value === null || all?.value == null) return ''
  return w().procInHand(number(overdue.value), number(all.value))
}

function Count({ figure, name }: { figure: FigureItem | undefined; name: string }) {
  if (!figure) return null
  const words = w()
  const then = figure.same_last_year?.value
  const step = (figure.value ?? 0) - (then ?? 0)
  return (
    <section class="proc-count" aria-label={name}>
      <h2>
        {name} {figure.period && <span class="caption">{words.procPeriod(figure.period)}</span>}
      </h2>
      <FigureValue figure={figure} />
      <p class="caption" data-testid={`moved-${figure.indicator}`}>
        {then == null || figure.value === null
          ? words.procNoCompare
          : words.procStep(`${step > 0 ? '▲ +' : step < 0 ? '▼ −' : ''}${number(Math.abs(step))}`, number(then))}
      </p>
    </section>
  )
}

/** Which days the figures are held against, and what is not the same as it was then. */
function Compared({ figure }: { figure: FigureItem | undefined }) {
  const [from, end] = figure?.same_last_year?.period.split('/') ?? []
  if (!figure || !from) return null
  const words = w()
  const broken = figure.breaks?.at(-1)
  const span = end ? `${date(dayAt(from))}–${date(lastBefore(end))}` : from
  return (
    <p class="caption proc-compared" data-testid="compared">
      {words.procCompared(span)}
      {broken && ` ${words.procComparedBreak(date(dayAt(broken.at)), say(broken.reason))}`}
      <span class="proc-age">
        <FigureAge figure={figure} always />
      </span>
    </p>
  )
}
