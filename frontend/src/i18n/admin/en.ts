/** The words of the administrator’s page in English. */

import type vi from './vi'

const en: typeof vi = {
  letters: {
    title: 'Notices to people',
    state: 'State',
    all: 'all',
    none: 'Nobody was told anything yet.',
    when: 'At',
    person: 'To',
    what: 'What and why',
    channel: 'Channel',
    test: 'A test',
    sendTest: 'Send a test',
    again: 'Send again',
    next: 'next try',
    attempts: (n: string) => `${n} tries`,
    allOff: (channels: string) => `The channels ${channels} are all off: notices are stored and not sent. Enable them in city/notify.toml.`,
    states: { waiting: 'waiting', sent: 'sent', dropped: 'dropped, not needed any more', withheld: 'not sent', dead: 'could not be sent' },
    reasons: {
      first: 'first notice',
      repeat: 'reminder',
      escalation: 'nobody acknowledged, told further up',
      cleared: 'the alert has cleared',
      test: 'a test',
      quiet_hours: 'quiet hours',
      rate_limited: 'too many for one person',
      noted: 'noted afterwards',
      exercise: 'an exercise, nothing leaves the house',
      muted: 'the alert is quiet',
      shelved: 'the alert is shelved',
      flapping: 'the alert flaps',
      acknowledged: 'somebody acknowledged',
      nobody: 'nobody is on call',
    },
  },
}

export default en
