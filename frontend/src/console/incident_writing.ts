/** Rises when a key asks for the field in which one writes. */

import { signal } from '@preact/signals'

export const writing = signal(0)
