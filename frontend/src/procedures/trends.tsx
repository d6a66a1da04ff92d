/** How the figures came to stand where they do: two years of months, broken where units or definitions changed. */

import { useMemo } from 'preact/hooks'
import { date } from '../i18n/format'
import { language, say, w } from '../i18n/words'
import type { Action, LineBreak } from '../live/protocol'
import { failureText, type Asked } from '../standing/asked'
import { useHistories, type Histories } from './asked'
import type { Board } from './board'
import { Flows, flowsOf } from './flows'
import { dayAt, lastBefore, type Numbered } from './history'
import { Sign } from './key'
import { OnlineShare, shareOf } from './share'
import { monthWord } from './ticks'

/** Actions that there is room to name; the newest. */
const NAMED = 2

export function Trends({ board }: { board: Board }) {
  const words = w()
  const asked = useHistories()
  const { data } = asked
  // Axis and date labels are drawn, so another language is another picture.
  const spoken = language.value
  const flows = useMemo(() => data && flowsOf(data), [data, spoken])
  const online = board.own.get('online-share')
  const { target, outlook } = online ?? {}
  const share = useMemo(
    () => data && shareOf(data, target, outlook),
    // The figure itself is another with each dossier; what is drawn of it seldom is.
    [data, spoken, target?.value, target?.until, outlook?.value, outlook?.low, outlook?.high],
  )
  const known = flows && flows.months > 0
  return (
    <>
      <section class="panel proc-chart proc-flows" aria-label={words.procFlows} data-testid="flows">
        <Head title={words.procFlows} aside={flows && words.procFlowsOf(String(flows.months), monthWord(flows.newest.month))} />
        {known ? <Flows flows={flows} /> : <Nothing asked={asked} />}
        {known && <Breaks breaks={flows.breaks} />}
      </section>
      <section class="panel proc-chart proc-share" aria-label={words.procTrend} data-testid="share-trend">
        <Head title={words.procTrend} aside={share && words.procTrendSpan(String(share.months))} />
        {known && share ? <OnlineShare share={share} figure={online} /> : <Nothing asked={asked} />}
        {known && share && <Breaks breaks={share.breaks.filter(({ at }) => flows.breaks.every((one) => one.at !== at))} />}
        {known && <Actions numbered={flows.actions} />}
      </section>
    </>
  )
}

function Head({ title, aside }: { title: string; aside: string | null }) {
  return (
    <header class="panel-head">
      <h2>{title}</h2>
      {aside && <span class="aside">{aside}</span>}
    </header>
  )
}

function Nothing({ asked: { data, failure } }: { asked: Asked<Histories> }) {
  const words = w()
  return <p class="caption pad proc-empty">{data ? words.procNoHistory : failure ? failureText(failure) : words.loading}</p>
}

/** Why a line is broken; what both charts have is told beside the first. */
function Breaks({ breaks }: { breaks: LineBreak[] }) {
  if (breaks.length === 0) return null
  return (
    <div class="proc-told caption">
      {breaks.map((one) => (
        <p key={one.at} data-testid="break">
          <Sign kind="break" /> {w().procBreak(date(dayAt(one.at)), lowered(say(one.reason)))}
        </p>
      ))}
    </div>
  )
}

/** What was done, by the numbers of the flags on both charts; the newest last. */
function Actions({ numbered }: { numbered: Numbered[] }) {
  const words = w()
  const named = numbered.slice(-NAMED)
  const before = numbered.length - named.length
  return (
    <div class="proc-told caption">
      {numbered.length === 0 && <p data-testid="no-actions">{words.procNoActions}</p>}
      {named.map(({ number, action }, place) => (
        <p key={action.id} class="proc-action" data-testid="action" title={`${say(action.name)} (${action.document})`}>
          <b class="proc-flag">{number}</b> {spanOf(action)}: {say(action.name)}
          {action.sample && ` (${words.sampleTarget})`}
          {place === 0 && before > 0 && ` · ${words.procActionsBefore(String(before))}`}
        </p>
      ))}
    </div>
  )
}

function spanOf({ from, until }: Action): string {
  return until ? `${date(dayAt(from))}–${date(lastBefore(until))}` : date(dayAt(from))
}

function lowered(text: string): string {
  return text.charAt(0).toLocaleLowerCase() + text.slice(1)
}
