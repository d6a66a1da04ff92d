/** REST under /api/v1: JSON in and out, problem documents as errors. */

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
  ) {
    super(detail || title)
  }
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response
  try {
    response = await fetch(`/api/v1${path}`, { credentials: 'same-origin', cache: 'no-cache', ...init })
  } catch {
    throw new Problem(0, 'unreachable', '', '')
  }
  if (!response.ok) {
    const problem = (await response.json().catch(() => ({}))) as Partial<Problem>
    throw new Problem(response.status, problem.code ?? '', problem.title ?? response.statusText, problem.detail ?? '')
  }
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
export function put<T>(path: string, body: string, type: string): Promise<T> {
  return ask<T>(path, { method: 'PUT', headers: { 'content-type': type, accept: 'application/json' }, body })
}

export function remove(path: string): Promise<void> {
  return ask<void>(path, { method: 'DELETE' })
}

/** Send the reader to sign in and back here afterwards. */
export function toLogin(): void {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.hash)}`)
}
