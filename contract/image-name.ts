/** A name of an image in two parts: `registry:5000/name:tag` is `registry:5000/name` and `tag`. */
export function splitImage(image: string): { repository: string; tag: string } {
  const bare = image.split('@', 1)[0] ?? ''
  const colon = bare.lastIndexOf(':')
  if (colon < 0 || colon < bare.lastIndexOf('/')) return { repository: bare, tag: '' }
  return { repository: bare.slice(0, colon), tag: bare.slice(colon + 1) }
}
