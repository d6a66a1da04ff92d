/** The scenes of the wall; a new one is a component and a line here. */

import { signal } from '@preact/signals'
import type { ComponentType } from 'preact'
import { w } from '../i18n/words'
import { Feeds } from './feeds'
import { Overview } from './overview'
import { Procedures } from './procedures'

export interface Scene {
  id: string
  name: () => string
  component: ComponentType
}

export const SCENES: readonly Scene[] = [
  { id: 'overview', name: () => w().sceneOverview, component: Overview },
  { id: 'procedures', name: () => w().sceneProcedures, component: Procedures },
  { id: 'feeds', name: () => w().sceneFeeds, component: Feeds },
]

/** The scene that is shown; an address with `?scene=feeds` begins there. */
export const scene = signal(new URLSearchParams(location.search).get('scene') ?? 'overview')
