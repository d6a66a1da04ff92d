/** Hands the page's centre to its panels. */

import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Centre } from '../live/centre'

export const CentreContext = createContext<Centre | null>(null)

export function useCentre(): Centre {
  const centre = useContext(CentreContext)
  if (!centre) throw new Error('a panel stands outside its page')
  return centre
}
