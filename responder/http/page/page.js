/**
 * The page: asks the API every two seconds and changes only what changed, so that focus and reading place stay.
 * Names, outputs and reasons come from attackers: they reach the page through textContent and nothing else.
 */
import { evidenceOf, isKept } from './evidence.js'

const everyMs = 2000
const urgent = new Set(['Emergency', 'Alert', 'Critical'])
let clockOffsetMs = 0
let failures = 0

const byId = (id) => document.querySelector(`#${id}`)

/** An element with its class and text, or with children. */
function make(tag, className, content) {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (Array.isArray(content)) element.append(...content)
  else if (content !== undefined) element.textContent = content
  return element
}

async function call(method, path, body) {
  const sent =
    body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(path, { method, ...sent })
  if (response.status === 401) location.assign('/login')
  const text = await response.text()
  const answer = text === '' ? null : JSON.parse(text)
  if (!response.ok)
    throw new Error(answer?.error?.message ?? `the responder answered ${response.status}`)
  return answer
}

/** `<1 s`, `45 s`, `12 min`, `3 h 5 min`, `2 d`. */
function span(ms) {
  const seconds = Math.round(Math.abs(ms) / 1000)
  if (seconds < 90) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} d`
}

const now = () => Date.now() + clockOffsetMs
const absolute = (ms) => new Date(ms).toLocaleString()

/** A time that counts: `words` says how it reads, from the milliseconds that are left. */
function clock(atMs, words) {
  const element = make('time', 'clock')
  element.dateTime = new Date(atMs).toISOString()
  element.title = absolute(atMs)
  element.tick = () => {
    const leftMs = atMs - now()
    element.textContent = words(leftMs)
    element.classList.toggle('soon', words === expires && leftMs < 120_000)
  }
  element.tick()
  return element
}

const ago = (leftMs) => (leftMs > -1500 ? 'now' : `${span(leftMs)} ago`)
const expires = (leftMs) => (leftMs > 0 ? `expires in ${span(leftMs)}` : 'expired')
const undone = (leftMs) => (leftMs > 0 ? `undone in ${span(leftMs)}` : 'being undone')

const evidence = (caseId) => evidenceOf(caseId, { make, call })

function button(text, className, onClick) {
  const element = make('button', className, text)
  element.type = 'button'
  element.addEventListener('click', onClick)
  return element
}

/** Replaces only the cards whose content differs; the order follows `items`. */
function showList(name, items, idOf, card) {
  const list = byId(name)
  const before = new Map([...list.children].map((child) => [child.dataset.id, child]))
  const wanted = items.map((item) => {
    const id = idOf(item)
    const content = JSON.stringify(item)
    const old = before.get(id)
    if (old?.content === content) return old
    const fresh = card(item)
    fresh.dataset.id = id
    fresh.content = content
    if (old !== undefined) old.replaceWith(fresh)
    return fresh
  })
  for (const child of before.values()) if (!wanted.includes(child)) child.remove()
  for (const [index, child] of wanted.entries())
    if (list.children[index] !== child) list.insertBefore(child, list.children[index] ?? null)
  byId(`${name}-empty`).hidden = items.length > 0
  const count = byId(`${name}-count`)
  if (count !== null) count.textContent = items.length > 0 ? `(${items.length})` : ''
}

function approvalCard(approval) {
  const { terms, votes } = approval
  const title = `${approval.action}: ${approval.detail}`
  const facts = [
    `target ${approval.targetName}`,
    `asked by policy ${approval.policy}`,
    `${votes.filter(({ choice }) => choice === 'approve').length} of ${terms.quorum} approvals`,
    terms.from.length > 0 ? `from ${terms.from.join(', ')}` : null,
    terms.notAllowed.length > 0 ? `not ${terms.notAllowed.join(', ')}` : null,
  ].filter((fact) => fact !== null)
  const decide = (choice) => () =>
    ask({
      title: choice === 'approve' ? 'Approve this?' : 'Deny this?',
      text: title,
      label: choice === 'approve' ? `Approve ${approval.action}` : 'Deny',
      isDangerous: choice === 'approve',
      isReasonRequired: terms.isReasonRequired,
      send: (reason) => call('POST', `/v1/approvals/${approval.id}/votes`, { choice, reason }),
    })
  return make('li', 'card asking', [
    make('div', 'head', [make('p', 'title', title), clock(approval.expiresMs, expires)]),
    make('p', 'facts', facts.join(' · ')),
    ...votes.map((vote) =>
      make('p', 'facts', `${vote.person}: ${vote.choice}${vote.reason ? ` (${vote.reason})` : ''}`),
    ),
    evidence(approval.caseId),
    make('div', 'buttons', [
      button('Approve', 'danger', decide('approve')),
      button('Deny', 'quiet', decide('deny')),
    ]),
  ])
}

function containmentCard(containment) {
  const { id, action, target, detail, status, startedMs, expiresMs } = containment
  const title = `${action}: ${detail}`
  const isOpen = status === 'live' || status === 'failed' || status === 'conflict'
  const buttons = [
    button('Undo', '', () =>
      ask({
        title: 'Undo this containment?',
        text: title,
        label: 'Undo',
        send: (reason) => call('POST', `/v1/containments/${id}/undo`, { reason }),
      }),
    ),
  ]
  if (status === 'live')
    buttons.push(
      button('Extend', 'quiet', () =>
        ask({
          title: 'Extend this containment?',
          text: title,
          label: 'Extend',
          hasChoice: true,
          send: (reason, by) => call('POST', `/v1/containments/${id}/extend`, { by, reason }),
        }),
      ),
    )
  const head = [make('p', 'title', title)]
  if (status !== 'live') head.push(make('span', 'chip warning', status))
  if (expiresMs !== null) head.push(clock(expiresMs, undone))
  else if (status === 'live') head.push(make('span', 'clock', 'until somebody undoes it'))
  return make('li', 'card', [
    make('div', 'head', head),
    make('p', 'facts', [
      `${target.name} · policy ${containment.policy} · since `,
      clock(startedMs, ago),
    ]),
    evidence(containment.caseId),
    ...(isOpen ? [make('div', 'buttons', buttons)] : []),
  ])
}

function alertCard(alert) {
  const level = urgent.has(alert.priority) ? 'urgent' : 'warning'
  const decisions = alert.decisions.map(({ summary, policy, rung, status, outcome }) =>
    make('li', outcome?.status ?? status, [
      make('span', '', summary),
      make('span', 'policy', ` (${policy}/${rung})`),
    ]),
  )
  const keeping = alert.decisions.filter(({ outcome }) => isKept(outcome?.effect))
  const kept = new Set(keeping.map(({ caseId }) => caseId))
  return make('li', 'card', [
    make('div', 'head', [
      make('p', 'title', alert.rule),
      make('span', `chip ${level}`, alert.priority),
      clock(Date.parse(alert.time), ago),
    ]),
    make('p', 'facts', alert.node),
    make('p', 'output', alert.output),
    decisions.length > 0
      ? make('ul', 'decisions', decisions)
      : make('p', 'facts', 'No policy selects it.'),
    ...[...kept].map(evidence),
  ])
}

let pending = () => Promise.resolve()

/** One dialog for every act: what will happen, a reason, and what went wrong if it did. */
function ask({ title, text, label, isDangerous, isReasonRequired, hasChoice, send }) {
  const dialog = byId('dialog')
  const reason = byId('dialog-reason')
  byId('dialog-title').textContent = title
  byId('dialog-text').textContent = text
  byId('dialog-required').textContent = isReasonRequired ? '(required)' : '(optional)'
  byId('dialog-choice').hidden = !hasChoice
  byId('dialog-problem').textContent = ''
  reason.value = ''
  reason.required = isReasonRequired === true
  const submit = byId('dialog-do')
  submit.textContent = label
  submit.className = isDangerous ? 'danger' : ''
  pending = send
  dialog.showModal()
  reason.focus()
}

async function submitDialog() {
  const submit = byId('dialog-do')
  submit.disabled = true
  try {
    await pending(byId('dialog-reason').value, byId('dialog-by').value)
    byId('dialog').close()
    await refresh()
  } catch (error) {
    byId('dialog-problem').textContent = error.message
  } finally {
    submit.disabled = false
  }
}

function showHealth({ degraded, killSwitch, nodes, person }) {
  const banner = byId('banner')
  const lines = degraded.map((line) => make('p', '', line))
  if (killSwitch !== null)
    lines.unshift(
      make('p', 'stopped', `The kill switch is on, nothing is carried out: ${killSwitch}`),
    )
  const content = lines.map(({ textContent }) => textContent).join('\n')
  if (banner.dataset.content !== content) {
    banner.dataset.content = content
    banner.replaceChildren(...lines)
  }
  banner.hidden = lines.length === 0
  const state = byId('state')
  state.className = lines.length === 0 ? 'good' : 'bad'
  const seen = `${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}`
  const health = degraded.length === 0 ? 'healthy' : 'degraded'
  state.textContent = `${health} · ${seen}${person === null ? '' : ` · ${person}`}`
  byId('logout').hidden = false
}

async function refresh() {
  try {
    const [health, approvals, containments, alerts] = await Promise.all([
      call('GET', '/v1/health'),
      call('GET', '/v1/approvals'),
      call('GET', '/v1/containments'),
      call('GET', '/v1/alerts?limit=30'),
    ])
    clockOffsetMs = health.nowMs - Date.now()
    failures = 0
    showHealth(health)
    showList('approvals', approvals.approvals, ({ id }) => id, approvalCard)
    showList('containments', containments.containments, ({ id }) => id, containmentCard)
    showList('alerts', alerts.alerts, ({ id }) => id, alertCard)
    const { length } = approvals.approvals
    document.title = length > 0 ? `(${length}) Riposte` : 'Riposte'
  } catch (error) {
    failures++
    const state = byId('state')
    state.className = 'bad'
    state.textContent = `no answer from the responder: ${error.message}`
  }
}

async function keepFresh() {
  if (!document.hidden) await refresh()
  setTimeout(() => void keepFresh(), Math.min(30_000, everyMs * 2 ** Math.min(failures, 4)))
}

byId('dialog-form').addEventListener('submit', (event) => {
  event.preventDefault()
  void submitDialog()
})
byId('dialog-cancel').addEventListener('click', () => byId('dialog').close())
byId('logout').addEventListener('click', () => {
  void call('DELETE', '/v1/session').finally(() => location.assign('/login'))
})
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void refresh()
})
setInterval(() => {
  for (const element of document.querySelectorAll('time.clock')) element.tick()
}, 1000)
await keepFresh()
