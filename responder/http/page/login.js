/** Trades the one-time code behind `#` for a session; a code never stands where a log or a referrer sees it. */
async function logIn() {
  const code = location.hash.slice(1)
  if (code === '') return
  history.replaceState(null, '', '/login')
  const response = await fetch('/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
  })
  if (response.ok) location.replace('/')
  else document.querySelector('#problem').textContent = (await response.json()).error.message
}

// A link opened in a tab that is here already changes nothing but the hash.
addEventListener('hashchange', () => void logIn())
await logIn()
