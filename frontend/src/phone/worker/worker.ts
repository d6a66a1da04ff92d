/** Runs beside the phone page, also while it is closed: shows what is pushed, and opens the alert. */

export {}
declare const self: ServiceWorkerGlobalScope

/** What the server pushes; one of the same tag takes its place. */
interface Pushed {
  title: string
  body: string
  tag: string
  link: string
  severity: string
}

self.addEventListener('push', (event) => {
  const said = event.data?.json() as Pushed | undefined
  if (!said) return
  const shown = self.registration.showNotification(said.title, {
    body: said.body,
    tag: said.tag,
    lang: 'vi',
    requireInteraction: said.severity === 'critical',
    data: said.link,
  })
  event.waitUntil(shown)
})

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(open(new URL(String(event.notification.data), self.location.origin)))
})

/** The phone page that is open goes to the link; without one it is opened. */
async function open(link: URL): Promise<void> {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  const page = pages.find((one) => new URL(one.url).pathname === link.pathname)
  if (!page) {
    await self.clients.openWindow(link.href)
    return
  }
  page.postMessage({ open: link.hash })
  await page.focus()
}
