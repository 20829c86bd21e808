/**
 * Writes an image to a file without docker, for `ctr -n k8s.io images import`, `docker load` and the like.
 *
 *     node scripts/image.ts riposte.tar riposte:0.1.0
 *     node scripts/image.ts --redis redis.tar redis:debian
 */
import { statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { writeProductImage } from './image/product.ts'
import { writeRedisImage } from './image/redis.ts'

const { values, positionals } = parseArgs({
  options: { redis: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const [file, reference] = positionals
if (file === undefined || reference === undefined)
  throw new Error('usage: node scripts/image.ts [--redis] FILE NAME:TAG')
await (values.redis ? writeRedisImage : writeProductImage)(file, reference)
console.log(`${file}: ${reference}, ${(statSync(file).size / 1e6).toFixed(0)} MB`)
