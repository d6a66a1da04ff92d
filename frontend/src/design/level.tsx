/** The five levels and colours of natural hazards (Decision 18/2021/QĐ-TTg), a mark of their own beside severity. */

import './level.css'
import { w } from '../i18n/words'

export function LevelMark({ level }: { level: number | null | undefined }) {
  if (!level) return null
  return (
    <span class={`national-level level-${level}`} data-testid="national-level" data-level={level}>
      {w().nationalLevels[level - 1]}
    </span>
  )
}
