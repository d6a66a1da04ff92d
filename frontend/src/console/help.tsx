/** The keys of the console, over everything else until Escape. */

import { useLayoutEffect, useRef } from 'preact/hooks'
import { consoleWords } from '../i18n/console/words'
import { w } from '../i18n/words'

/** In the order in which they are learnt; the words stand under the same names. */
const KEYS = [
  ['j', 'next'],
  ['k', 'previous'],
  ['Enter', 'detail'],
  ['a', 'acknowledge'],
  ['s', 'assign'],
  ['h', 'shelve'],
  ['c', 'comment'],
  ['x', 'mark'],
  ['X', 'range'],
  ['m', 'matter'],
  ['/', 'search'],
  ['Esc', 'back'],
  ['?', 'help'],
] as const

export function Help({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const words = consoleWords()
  useLayoutEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} class="help" aria-label={words.keysTitle} data-testid="help" onClose={close}>
      <h2>{words.keysTitle}</h2>
      <dl>
        {KEYS.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{words.keys[does]}</dd>
          </div>
        ))}
      </dl>
      <p class="caption">{words.keysNote}</p>
      <form method="dialog">
        <button type="submit">{w().close}</button>
      </form>
    </dialog>
  )
}
