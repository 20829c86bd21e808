/** The web page: files of our own, held in memory. They say nothing by themselves, so they need no login. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'

const files = [
  { path: '/', name: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/login', name: 'login.html', type: 'text/html; charset=utf-8' },
  { path: '/page.css', name: 'page.css', type: 'text/css; charset=utf-8' },
  { path: '/page.js', name: 'page.js', type: 'text/javascript; charset=utf-8' },
  { path: '/evidence.js', name: 'evidence.js', type: 'text/javascript; charset=utf-8' },
  { path: '/login.js', name: 'login.js', type: 'text/javascript; charset=utf-8' },
] as const

export function pageRoutes(app: FastifyInstance): void {
  for (const { path, name, type } of files) {
    const content = readFileSync(join(import.meta.dirname, 'page', name))
    app.get(path, { config: { access: 'open' } }, (_request, reply) =>
      reply.type(type).header('cache-control', 'no-cache').send(content),
    )
  }
}
