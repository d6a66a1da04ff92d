/** The language of this page and the words in it. */

import { computed, effect, signal } from '@preact/signals'
import type { Domain, Freshness, Severity, Suspect, Text } from '../live/protocol'
import en from './en'
import vi, { type Words } from './vi'

export type Language = 'vi' | 'en'

const KEPT_AS = 'ioc.language'

function kept(): Language {
  try {
    return localStorage.getItem(KEPT_AS) === 'en' ? 'en' : 'vi'
  } catch {
    return 'vi'
  }
}

export const language = signal<Language>(kept())

const words = computed<Words>(() => (language.value === 'en' ? en : vi))

/** Speak a language from now on, on this device. */
export function speak(chosen: Language): void {
  language.value = chosen
  try {
    localStorage.setItem(KEPT_AS, chosen)
  } catch {
    // A kiosk without storage goes back to Vietnamese when it is started anew.
  }
}

/** Keep the page's own language in step, for screen readers and hyphenation. */
export function markLanguage(): void {
  effect(() => {
    document.documentElement.lang = language.value
  })
}

/** The words of the chosen language; a component that reads them follows the switch. */
export function w(): Words {
  return words.value
}

/** A sentence that came in both languages. */
export function say(text: Text | null | undefined): string {
  if (!text) return ''
  return text[language.value] || text.vi || text.en
}

export function severityWord(severity: Severity): string {
  return words.value[`severity_${severity}`]
}

export function domainWord(domain: Domain): string {
  return words.value[`domain_${domain}`] ?? domain
}

export function stateWord(state: Freshness): string {
  return words.value[`state_${state}`]
}

export function suspectWord(why: Suspect): string {
  return words.value[`suspect_${why}`]
}

/** The word for a change in an alert's log; an unknown one is shown as it came. */
export function changeWord(change: string): string {
  return wordFor(`change_${change}`) ?? change
}

/** The name of an observed property; an agency's own property is shown as the agency spells it. */
export function propertyWord(property: string): string {
  return wordFor(`property_${property}`) ?? property.replaceAll(/[_-]/g, ' ')
}

/** The word for a text that is a property's value: of a ticket its state and clock, others as they came. */
export function textWord(property: string, text: string): string {
  const states: Record<string, string> = words.value.ticketStates
  return (property === 'state' ? states[text] : wordFor(`${property}_${text}`)) ?? text
}

function wordFor(key: string): string | undefined {
  const word = (words.value as unknown as Record<string, unknown>)[key]
  return typeof word === 'string' ? word : undefined
}
