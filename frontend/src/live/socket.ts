/** The websocket: connects, notices silence, backs off with jitter and resumes by cursor. */

import { signal } from '@preact/signals'
import { serverNow, setServerTime } from './clock'
import type { Receiver } from './collection'
import type { ClientFrame, ServerFrame } from './protocol'

const PING_EVERY = 2_000
/** Said to be lost after this silence: two pings unanswered, and still inside the promised 5 s. */
const LOST_AFTER = 4_000
/** A socket that stays silent this long is given up; a busy server is not punished earlier. */
const GIVE_UP_AFTER = 9_000
const CONNECT_WITHIN = 8_000
const BACK_OFF = { first: 400, most: 6_000 }

export type LinkState = 'connecting' | 'live' | 'lost'

interface Subscription {
  topic: string
  receiver: Receiver
  bbox?: [number, number, number, number]
  cursor?: string
}

export class Stream {
  readonly state = signal<LinkState>('connecting')
  /** When the last frame came, by the server's clock. */
  readonly lastFrame = signal<number | null>(null)
  /** How far behind the server says this client is, ms. */
  readonly behind = signal(0)

  private readonly subscriptions = new Map<string, Subscription>()
  private socket: WebSocket | null = null
  private greeted = false
  private heard = 0
  private attempt = 0
  private nextId = 1
  private retry: number | undefined
  private closed = false
  private readonly timers: number[] = []
  private readonly wake = () => this.hurry()

  /** `refused` is asked after a connection that never got through, e.g. to see whether the session ended. */
  constructor(
    private readonly url: string,
    private readonly connected: () => void = () => {},
    private readonly refused: () => void = () => {},
  ) {
    this.heard = performance.now()
    this.timers.push(window.setInterval(() => this.ping(), PING_EVERY))
    this.timers.push(window.setInterval(() => this.listen(), 250))
    window.addEventListener('online', this.wake)
    document.addEventListener('visibilitychange', this.wake)
    this.connect()
  }

  /** Follow a topic over every reconnection until the answer is called. */
  subscribe(topic: string, receiver: Receiver, bbox?: [number, number, number, number]): () => void {
    const id = `s${this.nextId++}`
    const subscription: Subscription = { topic, receiver, ...(bbox ? { bbox } : {}) }
    this.subscriptions.set(id, subscription)
    if (this.greeted) this.ask(id, subscription)
    return () => {
      this.subscriptions.delete(id)
      if (this.greeted) this.send({ type: 'unsubscribe', id })
    }
  }

  close(): void {
    this.closed = true
    for (const timer of this.timers) window.clearInterval(timer)
    window.clearTimeout(this.retry)
    window.removeEventListener('online', this.wake)
    document.removeEventListener('visibilitychange', this.wake)
    this.socket?.close()
  }

  private connect(): void {
    if (this.closed) return
    this.retry = undefined
    const socket = new WebSocket(this.url, 'ioc.v1')
    this.socket = socket
    this.greeted = false
    const opened = performance.now()
    const deadline = window.setTimeout(() => {
      if (this.socket === socket && !this.greeted) this.abandon(socket)
    }, CONNECT_WITHIN)
    socket.onmessage = (event: MessageEvent<string>) => this.receive(socket, event.data)
    socket.onclose = () => {
      window.clearTimeout(deadline)
      if (this.socket === socket) this.ended(performance.now() - opened)
    }
  }

  private abandon(socket: WebSocket): void {
    // The close handshake of a dead peer takes a minute; do not wait for it.
    socket.onmessage = null
    socket.onclose = null
    socket.close()
    if (this.socket === socket) this.ended(0)
  }

  private ended(lived: number): void {
    const greeted = this.greeted
    this.socket = null
    this.greeted = false
    if (this.closed) return
    if (this.state.peek() === 'live') this.state.value = 'lost'
    if (!greeted) this.refused()
    if (greeted && lived > 10_000) this.attempt = 0
    const wait = Math.min(BACK_OFF.most, BACK_OFF.first * 2 ** this.attempt) * (0.5 + Math.random() / 2)
    this.attempt += 1
    this.retry = window.setTimeout(() => this.connect(), wait)
  }

  private receive(socket: WebSocket, data: string): void {
    if (this.socket !== socket) return
    this.heard = performance.now()
    const frame = JSON.parse(data) as ServerFrame
    switch (frame.type) {
      case 'hello':
        setServerTime(frame.server_time)
        this.greeted = true
        this.attempt = 0
        for (const [id, subscription] of this.subscriptions) this.ask(id, subscription)
        this.connected()
        break
      case 'snapshot': {
        const subscription = this.subscriptions.get(frame.id)
        if (!subscription) break
        subscription.cursor = frame.cursor
        subscription.receiver.snapshot(frame.data.items, frame.data.rest)
        break
      }
      case 'delta': {
        const subscription = this.subscriptions.get(frame.id)
        if (!subscription) break
        subscription.cursor = frame.cursor
        subscription.receiver.delta(frame.data)
        break
      }
      case 'resync': {
        // What is on screen stays until the snapshot that follows replaces it.
        const subscription = this.subscriptions.get(frame.id)
        if (subscription) delete subscription.cursor
        break
      }
      case 'lag':
        this.behind.value = frame.behind_ms
        break
      case 'error':
        console.warn('stream', frame.code, frame.message)
        break
      case 'pong':
        break
    }
    const now = serverNow()
    if (now - (this.lastFrame.peek() ?? 0) >= 1000) this.lastFrame.value = now
    if (this.greeted && this.state.peek() !== 'live') this.state.value = 'live'
  }

  private ask(id: string, { topic, bbox, cursor }: Subscription): void {
    this.send({ type: 'subscribe', id, topic, ...(bbox ? { bbox } : {}), ...(cursor ? { cursor } : {}) })
  }

  private send(frame: ClientFrame): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame))
  }

  private ping(): void {
    if (this.greeted) this.send({ type: 'ping' })
  }

  private listen(): void {
    const silence = performance.now() - this.heard
    if (silence > LOST_AFTER && this.state.peek() !== 'lost') this.state.value = 'lost'
    if (silence > GIVE_UP_AFTER && this.greeted && this.socket) this.abandon(this.socket)
  }

  private hurry(): void {
    if (document.hidden) return
    if (this.retry !== undefined) {
      window.clearTimeout(this.retry)
      this.attempt = 0
      this.connect()
    } else this.ping()
  }
}

/** Where this page's stream is. */
export function streamUrl(): string {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
  return `${scheme}://${location.host}/api/v1/stream`
}
