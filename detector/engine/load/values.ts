/** Values of an item's keys, each with its own complaint; undefined where there was one (or nothing to read). */
import type { Written } from './items.ts'
import { type Context, inside, type ItemType, type Report } from './places.ts'
import { get, toBoolean, type Yaml, type YamlMap, type YamlScalar } from './yaml.ts'

/** An item while it is read: where it stands, and whether anything in it was wrong. */
export class ItemReader {
  readonly map: YamlMap
  readonly context: Context
  isBroken = false
  readonly #report: Report

  constructor(map: YamlMap, context: Context, report: Report) {
    this.map = map
    this.context = context
    this.#report = report
  }

  has(key: string): boolean {
    return get(this.map, key) !== undefined
  }

  fail(message: string, context: Context = this.context): undefined {
    this.isBroken = true
    this.#report('LOAD_ERR_YAML_VALIDATE', message, context)
    return undefined
  }

  warn: Report = (code, message, context, detail) => {
    this.#report(code, message, context, detail)
  }

  scalar(key: string, isOptional = false): YamlScalar | undefined {
    const value = get(this.map, key)
    if (value === undefined)
      return isOptional ? undefined : this.fail(`Item has no mapping for key '${key}'`)
    if (value.kind === 'null') return this.fail(`Mapping for key '${key}' is empty`)
    const context = inside(this.context, 'value for', key, value.spot)
    if (value.kind !== 'scalar') return this.fail('Value is not a scalar value', context)
    if (value.text === '') return this.fail('Value must be non-empty', context)
    return value
  }

  text(key: string): string | undefined {
    return this.scalar(key)?.text
  }

  written(key: string, type: ItemType): Written | undefined {
    const node = this.scalar(key)
    if (node === undefined) return undefined
    const context = inside(this.context, type, '', node.spot)
    return { text: node.text, parts: [{ start: 0, node }], context }
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.scalar(key, true)
    if (value === undefined) return fallback
    const flag = toBoolean(value.text)
    if (flag === undefined) this.#undecodable(key, value)
    return flag ?? fallback
  }

  count(key: string, fallback: number): number {
    const value = this.scalar(key, true)
    if (value === undefined) return fallback
    if (/^\d{1,9}$/.test(value.text)) return Number(value.text)
    this.#undecodable(key, value)
    return fallback
  }

  #undecodable(key: string, value: Yaml): void {
    this.fail("Can't decode YAML scalar value", inside(this.context, 'value for', key, value.spot))
  }

  /** A sequence of scalars. */
  texts(key: string, isOptional = false): string[] | undefined {
    const value = get(this.map, key)
    if (value === undefined)
      return isOptional ? undefined : this.fail(`Item has no mapping for key '${key}'`)
    const context = inside(this.context, 'value for', key, value.spot)
    if (value.kind !== 'sequence') return this.fail('Value is not a sequence', context)
    const texts: string[] = []
    for (const item of value.items) {
      const itemContext = inside(context, 'list item', '', item.spot)
      if (item.kind === 'scalar') texts.push(item.text)
      else if (item.kind === 'null') this.fail("Can't decode YAML sequence value", itemContext)
      else this.fail('sequence value is not scalar', itemContext)
    }
    return texts
  }

  warnOfUnknownKeys(known: readonly string[]): void {
    for (const { key } of this.map.entries)
      if (!known.includes(key.text))
        this.#report(
          'LOAD_UNKNOWN_KEY',
          `Unknown key '${key.text}'. The key will be ignored.`,
          this.context,
          {
            spot: key.spot,
          },
        )
  }
}
