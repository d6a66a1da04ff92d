/** What is announced: bulletins that warn, and work that is planned. */

import './bulletins.css'
import { Bulletins } from './bulletins'
import { Silences } from './silences'

export function Announced() {
  return (
    <>
      <Bulletins />
      <Silences />
    </>
  )
}
