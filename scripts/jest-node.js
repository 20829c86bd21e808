/** Refuses the wrong Node with one line; a bare `./node_modules/.bin/jest` may find an older one. */
export default function requireNode24() {
  const [major] = process.versions.node.split('.')
  if (Number(major) < 24)
    throw new Error(`the tests need Node 24, this is ${process.version}: use npm test or npx jest`)
}
