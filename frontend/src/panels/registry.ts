/** Every panel of the wall and where it stands in the overview; a new panel is a file and a line here. */

import type { ComponentType } from 'preact'
import { AlertsPanel } from './alerts'
import { FeedsPanel } from './feeds'
import { MapPanel } from './map'
import { ProceduresPanel } from './procedures'
import { ElectricityTile, EnvironmentTile, HealthTile, TrafficTile } from './tiles'

export type Area = 'left' | 'centre' | 'right' | 'strip'

export interface Panel {
  id: string
  area: Area
  component: ComponentType
}

export const OVERVIEW: readonly Panel[] = [
  { id: 'alerts', area: 'left', component: AlertsPanel },
  { id: 'map', area: 'centre', component: MapPanel },
  { id: 'procedures', area: 'right', component: ProceduresPanel },
  { id: 'feeds', area: 'right', component: FeedsPanel },
  { id: 'traffic', area: 'strip', component: TrafficTile },
  { id: 'health', area: 'strip', component: HealthTile },
  { id: 'electricity', area: 'strip', component: ElectricityTile },
  { id: 'environment', area: 'strip', component: EnvironmentTile },
]
