/** One leading figure of the procedures: where it stands, how it moved, where it is headed, who answers. */

import { Measure } from '../charts/measure'
import { figureNumber, figureText } from '../i18n/format'
import { say, w } from '../i18n/words'
import type { Answering, FigureItem } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { FigureAge, FigureValue, Gap, TargetNote, useFigureState } from '../panels/figure'
import { isBad, isHeadedWrong } from '../standing/standing'
import { countsOf, movements } from '../standing/tell'

interface Props {
  figure: FigureItem
  /** What it is made of, where that is no share of its own. */
  counts?: string
  /** Somebody must act on it although no target is assigned. */
  bad?: boolean
  /** The one that there is most room for. */
  first?: boolean
}

export function LeadFigure({ figure, counts = countsOf(figure), bad = false, first = false }: Props) {
  const words = w()
  const target = figure.target
  // A page that says so of all of it need not say so of each.
  const simulated = useCentre().city.value?.simulated ?? false
  // What is too old to be held against its target shows its age where the gap stood.
  const stale = useFigureState(figure) === 'stale'
  return (
    <section class={`proc-lead${first ? ' first' : ''}`} aria-label={say(figure.name)} data-testid={`lead-${figure.indicator}`}>
      <div>
        <h2>{say(figure.name)}</h2>
        <div class="proc-value">
          <FigureValue figure={figure} big />
          {stale ? <FigureAge figure={figure} /> : <Gap figure={figure} />}
        </div>
        {first && figure.kind === 'share' && <Against figure={figure} />}
        <p class="caption proc-counts">
          <span data-testid={`of-${figure.indicator}`}>{counts}</span>
          <span>{target ? <TargetNote figure={figure} brief={simulated} /> : words.procNoTarget}</span>
        </p>
      </div>
      <div class="proc-tells">
        <Moved figure={figure} />
        {target && <Outlook figure={figure} brief={!first} />}
        {(bad || isBad(figure, figure.outlook)) && <Answers answering={figure.answering} brief={simulated} />}
      </div>
    </section>
  )
}

/** The share against its target, and below it from where to where it is foreseen to come. */
function Against({ figure }: { figure: FigureItem }) {
  const stale = useFigureState(figure) === 'stale'
  const { low, high } = figure.outlook ?? {}
  const part = (share: number | null | undefined) => (share == null ? null : share / 100)
  return (
    <div class="proc-against">
      <Measure filled={part(figure.value)} tick={part(figure.target?.value)} behind={figure.standing === 'behind'} stale={stale} />
      {low != null && high != null && (
        <i class="proc-range" aria-hidden="true" style={{ left: `${low}%`, width: `${Math.max(0.4, Math.min(100, high) - low)}%` }} />
      )}
    </div>
  )
}

/** What changed since the periods before. */
function Moved({ figure }: { figure: FigureItem }) {
  const told = movements(figure)
  return (
    <div data-testid={`moved-${figure.indicator}`}>
      {told.length === 0 && <p class="caption">{w().procNoCompare}</p>}
      {told.map((text) => (
        <p key={text}>{text}</p>
      ))}
    </div>
  )
}

/** Where it is headed, with the reason; briefly with what is foreseen alone. */
function Outlook({ figure, brief }: { figure: FigureItem; brief: boolean }) {
  const words = w()
  const { outlook } = figure
  if (!outlook) return <p class="caption">{words.procNoForecast}</p>
  const course = outlook.course === 'unknown' ? words.procCourseUnknown : words.courses[outlook.course]
  const { value, low, high } = outlook
  const foreseen = value != null && low != null && high != null
  const told = brief && foreseen ? words.procForeseen(figureText(figure, value), figureNumber(figure, low), figureNumber(figure, high)) : say(outlook.reason)
  return (
    <p class="proc-outlook" data-testid={`outlook-${figure.indicator}`} data-course={outlook.course} title={say(outlook.reason)}>
      {!brief && `${words.procOutlook}: `}
      <b class={isHeadedWrong(outlook.course) ? 'behind' : ''}>{course}</b> – {told.replaceAll(' %', '\u00a0%')}
    </p>
  )
}

/** The post, the name and the duty phone of who answers. */
function Answers({ answering, brief }: { answering: Answering | null | undefined; brief: boolean }) {
  const words = w()
  if (!answering) return <p class="caption">{words.procNobody}</p>
  return (
    <p data-testid="answers">
      <span class="caption">{words.procAnswers}:</span> {postOf(answering)} · {phoneOf(answering)}
      {answering.sample && !brief && <span class="caption"> ({words.sampleTarget})</span>}
    </p>
  )
}

/** "Giám đốc Sở Y tế, Nguyễn Văn A"; without a post and a name the unit's. */
export function postOf({ post, name, unit }: Answering): string {
  return [post, name].filter(Boolean).join(', ') || unit.name
}

export function phoneOf({ phone }: Answering): string {
  return phone ? phone.replaceAll(' ', '\u00a0') : w().noPhone
}
