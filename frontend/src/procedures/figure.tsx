/** One leading figure of the procedures: where it stands, how it moved, where it is headed, who answers. */

import { Measure } from '../charts/measure'
import { say, w } from '../i18n/words'
import type { Answering, FigureItem } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { FigureAge, FigureValue, Gap, TargetNote, useFigureState } from '../panels/figure'
import { isBad, isHeadedWrong } from '../phone/standing'
import { countsOf, movements } from '../phone/tell'

interface Props {
  figure: FigureItem
  /** What it is made of, where that is no share of its own. */
  counts?: string
  /** Somebody must act on it although no target is assigned. */
  bad?: boolean
}

export function LeadFigure({ figure, counts = countsOf(figure), bad = false }: Props) {
  const words = w()
  const target = figure.target
  // A page that says so of all of it need not say so of each.
  const simulated = useCentre().city.value?.simulated ?? false
  return (
    <section class="proc-lead" aria-label={say(figure.name)} data-testid={`lead-${figure.indicator}`}>
      <div class="proc-stands">
        <h2>{say(figure.name)}</h2>
        <div class="proc-value">
          <FigureValue figure={figure} big />
          <Gap figure={figure} />
          <span class="caption">
            <FigureAge figure={figure} always />
          </span>
        </div>
        {figure.kind === 'share' && <Against figure={figure} />}
        <p class="caption proc-counts">
          <span data-testid={`of-${figure.indicator}`}>{counts}</span>
          <span>{target ? <TargetNote figure={figure} brief={simulated} /> : words.procNoTarget}</span>
        </p>
      </div>
      <div class="proc-tells">
        <Moved figure={figure} />
        {target && <Outlook figure={figure} />}
        {(bad || isBad(figure, figure.outlook)) && <Answers answering={figure.answering} />}
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

function Outlook({ figure }: { figure: FigureItem }) {
  const words = w()
  const { outlook } = figure
  if (!outlook) return <p class="caption">{words.procNoForecast}</p>
  const course = outlook.course === 'unknown' ? words.procCourseUnknown : words.courses[outlook.course]
  return (
    <p data-testid={`outlook-${figure.indicator}`} data-course={outlook.course}>
      {words.procOutlook}: <b class={isHeadedWrong(outlook.course) ? 'behind' : ''}>{course}</b> – {say(outlook.reason).replaceAll(' %', '\u00a0%')}
    </p>
  )
}

/** The post, the name and the duty phone of who answers. */
function Answers({ answering }: { answering: Answering | null | undefined }) {
  const words = w()
  if (!answering) return <p class="caption">{words.procNobody}</p>
  return (
    <p data-testid="answers">
      <span class="caption">{words.procAnswers}:</span> {whoOf(answering)}
      {answering.sample && <span class="caption"> ({words.sampleTarget})</span>}
    </p>
  )
}

/** "Giám đốc Sở Y tế, Nguyễn Văn A · 0000 000 109"; without a post and a name the unit's. */
export function whoOf(answering: Answering): string {
  return `${postOf(answering)} · ${phoneOf(answering)}`
}

export function postOf({ post, name, unit }: Answering): string {
  return [post, name].filter(Boolean).join(', ') || unit.name
}

export function phoneOf({ phone }: Answering): string {
  return phone ? phone.replaceAll(' ', '\u00a0') : w().noPhone
}
