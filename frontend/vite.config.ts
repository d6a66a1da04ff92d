import { resolve } from 'node:path'
import { defineConfig } from 'vite'

const pages = ['index', 'console', 'm', 'agency', 'admin', 'login']

export default defineConfig({
  base: '/',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: resolve(import.meta.dirname, '../ioc/_frontend'),
    emptyOutDir: true,
    target: 'es2022',
    // Fonts and icons stay files of our own: no data: address, so the page's policy can stay strict.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // MapLibre alone is over the default; the budget for the whole wall is kept by a test.
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      input: {
        ...Object.fromEntries(pages.map((page) => [page, resolve(import.meta.dirname, `${page}.html`)])),
        worker: resolve(import.meta.dirname, 'src/phone/worker/worker.ts'),
      },
      // A worker serves what lies below its own address, and is looked for there again.
      output: { entryFileNames: (chunk) => (chunk.name === 'worker' ? 'worker.js' : 'assets/[name]-[hash].js') },
    },
  },
})
