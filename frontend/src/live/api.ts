/** REST under /api/v1: JSON in and out, problem documents as errors. */

import { language } from '../i18n/words'

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly values: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail || title)
  }
}

async function answered(path: string, init: RequestInit): Promise<Response> {
  let response: Response
  const headers = { 'accept-language': language.peek(), ...(init.headers as Record<string, string> | undefined) }
  try {
    response = await fetch(`/api/v1${path}`, { credentials: 'same-origin', cache: 'no-cache', ...init, headers })
  } catch {
    throw new Problem(0, 'unreachable', '', '')
  }
  if (response.ok) return response
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>
  throw new Problem(response.status, problem.code ?? '', problem.title ?? response.statusText, problem.detail ?? '', problem.values)
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  const response = await answered(path, init)
  if (response.status === 204) return undefined as T
  return (await response.json()) as T
}

export function get<T>(path: string): Promise<T> {
  return ask<T>(path, { headers: { accept: 'application/json' } })
}

export function post<T>(path: string, body: unknown = {}): Promise<T> {
  return ask<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
  })
}

/** Put bytes as they are in the place of a thing. */
export function put<T>(path: string, body: string | Blob, type: string): Promise<T> {
  return ask<T>(path, { method: 'PUT', headers: { 'content-type': type, accept: 'application/json' }, body })
}

/** Hand in a file as it is. */
export function upload<T>(path: string, file: Blob, type: string): Promise<T> {
  return ask<T>(path, { method: 'POST', headers: { 'content-type': type, accept: 'application/json' }, body: file })
}

/** A file, and the name that it is given. */
export async function file(path: string): Promise<{ name: string; content: Blob }> {
  const response = await answered(path, {})
  const name = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1]
  return { name: name ?? path.split('?')[0]?.split('/').at(-1) ?? '', content: await response.blob() }
}

export function remove(path: string): Promise<void> {
  return ask<void>(path, { method: 'DELETE' })
}

/** Send the reader to sign in and back here afterwards. */
export function toLogin(): void {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search + location.hash)}`)
}
