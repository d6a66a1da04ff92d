/** Opening an incident by hand while somebody is on the line: five fields, by keyboard alone. */

import { signal, useSignal } from '@preact/signals'
import { bare } from '../i18n/bare'
import { number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { say } from '../i18n/words'
import { get, post } from '../live/api'
import type { IncidentCategory, IncidentDetail, PlaceItem } from '../live/incidents'
import type { AlertItem, Page } from '../live/protocol'
import type { Point } from '../map/place'
import { takeFocus } from './focus'
import { failureText } from './incident_failure'
import { type Choice, Pick } from './pick'
import { PlaceMap } from './place_map'

/** The lines on which people call. */
const LINES = ['112', '113', '114', '115', '1022'] as const
const SOURCES = [...LINES, 'camera', 'commune', 'other'] as const

/** The alert that an incident is being made of; null where it is opened from nothing. */
export const openingOf = signal<AlertItem | null>(null)
/** Whether the form is open. */
export const isOpening = signal(false)

export function beginOpening(alert: AlertItem | null): void {
  openingOf.value = alert
  isOpening.value = true
}

interface Where extends Choice {
  place: Record<string, unknown> | null
  point: Point | null
}

let categories: Promise<IncidentCategory[]> | null = null

/** What incidents may be about; a failure is asked anew the next time. */
export function knownCategories(): Promise<IncidentCategory[]> {
  categories ??= get<Page<IncidentCategory>>('/incidents/categories')
    .then((page) => page.items)
    .catch((error: unknown) => {
      categories = null
      throw error
    })
  return categories
}

export async function lookCategories(text: string): Promise<Choice[]> {
  const wanted = bare(text).split(/\s+/)
  return (await knownCategories())
    .map((category) => ({ id: category.id, name: say(category.name), hint: say(category.group) }))
    .filter((choice) => wanted.every((word) => bare(`${choice.name} ${choice.hint}`).includes(word)))
}

async function lookPlaces(text: string): Promise<Where[]> {
  if (text.trim().length < 2) return []
  const page = await get<Page<PlaceItem>>(`/places?q=${encodeURIComponent(text.trim())}`)
  return page.items.map((item) => ({
    id: item.id,
    name: item.name,
    hint: item.within,
    point: item.point,
    place: item.kind === 'unit' ? { unit: item.id } : { feature: item.id },
  }))
}

export function OpenForm({ opened }: { opened: (item: IncidentDetail) => void }) {
  const words = consoleWords().incidents
  const alert = openingOf.value
  const source = useSignal<string>(alert ? 'alert' : '113')
  const category = useSignal<Choice | null>(null)
  const where = useSignal<Where | null>(alert ? placeOf(alert) : null)
  const title = useSignal(alert ? `${say(alert.title)} – ${alert.place.name}`.slice(0, 200) : '')
  const phone = useSignal('')
  const name = useSignal('')
  const exercise = useSignal(alert?.exercise ?? false)
  const failure = useSignal('')
  const busy = useSignal(false)
  const isCall = (LINES as readonly string[]).includes(source.value)
  const submit = async (event?: Event) => {
    event?.preventDefault()
    if (busy.value) return
    if (!category.value || !where.value) {
      failure.value = words.openLacks
      return
    }
    busy.value = true
    failure.value = ''
    try {
      const item = await post<IncidentDetail>('/incidents', {
        category: category.value.id,
        title: title.value.trim(),
        origin: source.value,
        exercise: exercise.value,
        ...(where.value.place ? { place: where.value.place } : {}),
        ...(isCall && phone.value.trim() ? { caller: { name: name.value.trim(), phone: phone.value.trim() } } : {}),
        ...(alert ? { alerts: [alert.id] } : {}),
      })
      isOpening.value = false
      opened(item)
    } catch (error) {
      failure.value = failureText(error)
    } finally {
      busy.value = false
    }
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape') isOpening.value = false
    else if (event.key === 'Enter' && event.ctrlKey) void submit(event)
  }
  return (
    <form class="incident-form" data-testid="incident-form" onSubmit={(event) => void submit(event)} onKeyDown={onKey}>
      <h2 class="detail-title">{alert ? words.openFromAlert : words.openByHand}</h2>
      {!alert && (
        <label>
          <span>{words.source}</span>
          <select ref={takeFocus} data-testid="open-source" value={source.value} onChange={(event) => (source.value = event.currentTarget.value)}>
            {SOURCES.map((each) => (
              <option key={each} value={each}>
                {words.origins[each]}
              </option>
            ))}
          </select>
        </label>
      )}
      <Pick
        label={words.category}
        testid="open-category"
        autofocus={alert !== null}
        chosen={category.value}
        look={lookCategories}
        choose={(choice) => (category.value = choice)}
        required
      />
      <Pick
        label={words.placeAsk}
        testid="open-place"
        chosen={where.value}
        look={lookPlaces}
        choose={(choice) => (where.value = choice)}
        typed={(text) => (where.value = text.trim() ? { id: '', name: text, place: { name: text.trim() }, point: null } : null)}
        required
      />
      <PlaceMap point={where.value?.point ?? null} pick={(point) => (where.value = pointed(point))} />
      <label>
        <span>{words.title}</span>
        <input data-testid="open-title" maxLength={200} placeholder={words.titleFree} value={title.value} onInput={(event) => (title.value = event.currentTarget.value)} />
      </label>
      {isCall && (
        <div class="incident-caller">
          <label>
            <span>{words.callerPhone}</span>
            <input type="tel" data-testid="open-phone" pattern="[0-9+ .()\-]{3,20}" maxLength={20} autocomplete="off" value={phone.value} onInput={(event) => (phone.value = event.currentTarget.value)} />
          </label>
          <label>
            <span>{words.callerName}</span>
            <input maxLength={120} autocomplete="off" value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} />
          </label>
          <p class="caption">{words.callerKept}</p>
        </div>
      )}
      <label class="incident-check">
        <input type="checkbox" data-testid="open-exercise" checked={exercise.value} onChange={(event) => (exercise.value = event.currentTarget.checked)} />
        <span>{words.isExercise}</span>
      </label>
      <div class="moves-row">
        <button type="submit" class="primary" disabled={busy.value} data-testid="open-submit">
          {words.open} <kbd>Ctrl Enter</kbd>
        </button>
        <button type="button" onClick={() => (isOpening.value = false)}>
          {words.cancel} <kbd>Esc</kbd>
        </button>
      </div>
      <p class="failure" role="alert" data-testid="open-failure">
        {failure.value}
      </p>
    </form>
  )
}

/** The place of an alert: the server takes it from the alert itself. */
function placeOf(alert: AlertItem): Where {
  return { id: alert.place.feature ?? '', name: alert.place.name, place: null, point: alert.place.point }
}

function pointed(point: Point): Where {
  const name = `${number(point[1], 4)}; ${number(point[0], 4)}`
  return { id: point.join(), name, place: { point }, point }
}
