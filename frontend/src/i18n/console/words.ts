/** The words of the operators’ console, which no other page loads. */

import { language } from '../words'
import en from './en'
import vi from './vi'

/** The words of the chosen language; a component that reads them follows the switch. */
export function consoleWords(): typeof vi {
  return language.value === 'en' ? en : vi
}
