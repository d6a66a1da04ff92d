import { describe, expect, it } from 'vitest'
import { Collection } from '../src/live/collection'

interface Thing {
  id: string
  n: number
}

function aCollection() {
  const frames: (() => void)[] = []
  const collection = new Collection<Thing>((run) => frames.push(run))
  return { collection, frames, paint: () => frames.splice(0).forEach((run) => run()) }
}

describe('a collection', () => {
  it('ends the same after a snapshot and deltas as after a fresh snapshot', () => {
    const { collection } = aCollection()
    collection.snapshot([
      { id: 'a', n: 1 },
      { id: 'b', n: 1 },
    ])
    collection.delta({ update: [{ id: 'a', n: 2 }], add: [{ id: 'c', n: 1 }], remove: ['b'] })
    expect([...collection.items.values()]).toEqual([
      { id: 'a', n: 2 },
      { id: 'c', n: 1 },
    ])
  })

  it('tells its watchers once per frame, however many deltas came', () => {
    const { collection, frames, paint } = aCollection()
    const told: string[][] = []
    collection.watch(({ changed, removed }) => told.push([[...changed].join(), [...removed].join()]))
    collection.snapshot([{ id: 'a', n: 1 }])
    collection.delta({ add: [{ id: 'b', n: 1 }] })
    collection.delta({ remove: ['a'] })
    expect(frames).toHaveLength(1)
    paint()
    expect(told).toEqual([['b', 'a']])
  })

  it('forgets what a new snapshot does not hold', () => {
    const { collection, paint } = aCollection()
    collection.snapshot([{ id: 'a', n: 1 }])
    paint()
    const removed: string[] = []
    collection.watch((changes) => removed.push(...changes.removed))
    collection.snapshot([{ id: 'b', n: 1 }])
    paint()
    expect(removed).toEqual(['a'])
  })

  it('does not tell a watcher that has undone itself', () => {
    const { collection, paint } = aCollection()
    let told = 0
    const undo = collection.watch(() => (told += 1))
    undo()
    collection.snapshot([{ id: 'a', n: 1 }])
    paint()
    expect(told).toBe(0)
  })

  it('knows the difference between empty and not yet heard of', () => {
    const { collection, paint } = aCollection()
    expect(collection.known.value).toBe(false)
    collection.snapshot([])
    paint()
    expect(collection.known.value).toBe(true)
  })
})
