/** The rules of a running detector: loaded at its start or not at all, then anew when asked; wrong ones change nothing. */
import type { DetectorConfig } from './config.ts'
import type { Dispatched } from './engine/rule-source.ts'
import {
  type JudgeOf,
  type LoadResult,
  type RulesInForce,
  RulesRefused,
  loadInForce,
} from './rules-in-force.ts'
import type { DetectorServices } from './services.ts'
import { FileWatch } from './watch.ts'

export interface KeptRulesOptions<Subject> {
  readonly config: DetectorConfig
  readonly judging: JudgeOf<Subject>
  readonly services: Pick<DetectorServices, 'say' | 'explain'>
  readonly onLoaded: (rules: RulesInForce<Subject>) => void
  /** The rules before them stay in force. */
  readonly onRefused: (errors: number) => void
}

export class KeptRules<Subject extends Dispatched> {
  readonly #options: KeptRulesOptions<Subject>
  #current: RulesInForce<Subject>
  #problem: string | undefined
  #watch: FileWatch | undefined

  constructor(options: KeptRulesOptions<Subject>) {
    this.#options = options
    const { rules } = this.#load()
    if (rules === undefined) throw new RulesRefused('the rules cannot be loaded')
    this.#current = rules
  }

  get current(): RulesInForce<Subject> {
    return this.#current
  }

  readonly reload = (): void => {
    const { rules, problems } = this.#load()
    if (rules === undefined)
      this.#refuse(problems.filter(({ severity }) => severity === 'error').length)
    else this.#take(rules)
  }

  #load(): LoadResult<Subject> {
    const { config, judging, services } = this.#options
    const result = loadInForce(config.rulesFiles, config, judging, Date.now())
    services.explain(result.problems)
    return result
  }

  #take(rules: RulesInForce<Subject>): void {
    this.#current = rules
    this.#problem = undefined
    this.#options.onLoaded(rules)
    this.#options.services.say(`${rules.ruleset.rules.length} of ${rules.loaded} rules in force`)
  }

  #refuse(errors: number): void {
    const since = new Date(this.#current.loadedMs).toISOString()
    this.#problem = `${errors} problems in the rule files; the rules of ${since} stay in force`
    this.#options.services.say(this.#problem)
    this.#options.onRefused(errors)
  }

  /** The last rules that would not load. */
  degraded(): string[] {
    return this.#problem === undefined ? [] : [this.#problem]
  }

  /** Loads them again whenever the files change, where the configuration wants that. */
  watch(): void {
    const { rulesFiles, watch_config_files: isWanted } = this.#options.config
    if (!isWanted) return
    this.#watch = new FileWatch(rulesFiles, this.reload)
    this.#watch.start()
  }

  stop(): void {
    this.#watch?.stop()
  }
}
