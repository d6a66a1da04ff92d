/** Push on this device: what the server and the browser say of it, and switching it on and off. */

import { signal } from '@preact/signals'
import { get, post, Problem, remove } from '../live/api'
import type { PushSubscriptionItem, PushState, Severity } from '../live/protocol'

/** Why the browser did not take it: it blocks notifications, or cannot reach its own push service. */
export type Refusal = { why: 'blocked' } | { why: 'unreachable' | 'server'; said: string }

/** What the server says of push; null until it has been asked, and where this browser cannot. */
export const pushState = signal<PushState | null>(null)
/** This device as the server has it; null while push is off on it. */
export const ownDevice = signal<PushSubscriptionItem | null>(null)
export const refusal = signal<Refusal | null>(null)

const SCOPE = '/m'

function isAble(): boolean {
  return window.isSecureContext && 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window
}

async function registered(): Promise<ServiceWorkerRegistration | undefined> {
  return isAble() ? await navigator.serviceWorker.getRegistration(SCOPE) : undefined
}

/** A notification that is touched leads here: the worker says to which alert. */
export function followWorker(): void {
  if (!isAble()) return
  navigator.serviceWorker.addEventListener('message', (event: MessageEvent<{ open: string }>) => {
    location.hash = event.data.open
  })
}

/** Ask the server, and renew this device where its person has signed in again. */
export async function askForPush(): Promise<void> {
  if (!isAble()) return
  const state = await get<PushState>('/notify/push')
  pushState.value = state
  if (state.key === null) return
  const worker = await navigator.serviceWorker.register('/worker.js', { scope: SCOPE })
  const subscription = await worker.pushManager.getSubscription()
  if (!subscription) return
  const own = state.subscriptions.find((device) => device.endpoint === subscription.endpoint)
  // Whoever used this browser before, or another key: what they switched on is not ours to keep.
  if (!own || !isFor(subscription, state.key)) await subscription.unsubscribe()
  else ownDevice.value = own.live ? own : await hand(subscription, own.least)
}

/** Switch push on for this device, from a severity on; `refusal` says why it did not go. */
export async function switchOn(least: Severity): Promise<void> {
  const key = pushState.peek()?.key
  if (!key) return
  refusal.value = null
  if ((await Notification.requestPermission()) !== 'granted') {
    refusal.value = { why: 'blocked' }
    return
  }
  try {
    const worker = await navigator.serviceWorker.ready
    const subscription =
      (await worker.pushManager.getSubscription()) ??
      (await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) }))
    ownDevice.value = await hand(subscription, least)
  } catch (error) {
    refusal.value = { why: error instanceof Problem ? 'server' : 'unreachable', said: String((error as Error).message) }
  }
}

/** Switch push off on this device, here and at the server. */
export async function switchOff(): Promise<void> {
  const device = ownDevice.peek()
  refusal.value = null
  try {
    await forgetHere()
    if (device) await remove(`/notify/push/${device.id}`)
    ownDevice.value = null
  } catch (error) {
    refusal.value = { why: 'server', said: String((error as Error).message) }
  }
}

/** Let the browser itself take nothing more; the server stops with the session. */
export async function forgetHere(): Promise<void> {
  const subscription = await (await registered())?.pushManager.getSubscription()
  await subscription?.unsubscribe()
}

function hand(subscription: PushSubscription, least: Severity): Promise<PushSubscriptionItem> {
  const { endpoint, keys } = subscription.toJSON()
  return post<PushSubscriptionItem>('/notify/push', { endpoint, keys, least })
}

function isFor(subscription: PushSubscription, key: string): boolean {
  const own = subscription.options.applicationServerKey
  return own === null || textOf(new Uint8Array(own)) === key
}

/** The bytes of base64 for URLs without padding. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
}

export function textOf(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
