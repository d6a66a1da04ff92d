/** Files to take away; where there is none, the page says why instead of the browser. */

import { useSignal } from '@preact/signals'
import { w } from '../i18n/words'
import { file, type Problem } from '../live/api'
import { problemOf } from './refusal'

/** Give somebody a file under a name. */
export function save(name: string, content: Blob): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  // The browser has taken the file over by then.
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

interface Props {
  label: string
  take: () => Promise<{ name: string; content: Blob }>
  tell: (problem: Problem | null) => void
  testid: string
}

export function TakeAway({ label, take, tell, testid }: Props) {
  const busy = useSignal(false)
  const fetchIt = async () => {
    busy.value = true
    tell(null)
    try {
      const { name, content } = await take()
      save(name, content)
    } catch (error) {
      tell(problemOf(error))
    } finally {
      busy.value = false
    }
  }
  return (
    <button type="button" disabled={busy.value} data-testid={testid} onClick={() => void fetchIt()}>
      {busy.value ? w().loading : label}
    </button>
  )
}

export function fileAt(path: string): () => Promise<{ name: string; content: Blob }> {
  return () => file(path)
}
