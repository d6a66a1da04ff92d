/** All about the alert that is looked at, asked for anew with each of its versions. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { get, Problem } from '../live/api'
import type { AlertSheet } from '../live/protocol'

export type Asked = AlertSheet | 'loading' | 'none' | 'failed'

/** `version` is that of the open alert; a past one has none and does not change. */
export function useSheet(id: string, version: number | undefined): Asked {
  const sheet = useSignal<Asked>('loading')
  useEffect(() => {
    let current = true
    get<AlertSheet>(`/alerts/${encodeURIComponent(id)}`)
      .then((found) => current && (sheet.value = found))
      .catch((error: unknown) => {
        if (current) sheet.value = error instanceof Problem && error.status === 404 ? 'none' : 'failed'
      })
    return () => {
      current = false
    }
  }, [id, version])
  return sheet.value
}
