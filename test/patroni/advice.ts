/**
 * Advice that does harm on a cluster of Patroni, as rules over what the exporter says. Every reason counts, and not only
 * roots, since each of them is shown somewhere.
 */
import { nodeNames, type SaidReason } from './record.ts'

export type Advice = Pick<SaidReason, 'id' | 'code' | 'text' | 'remedy'>

export interface AdviceRule {
  readonly name: string
  /** Completes "it does harm, since". */
  readonly since: string
  /** `holder`: the node that holds the leader lock, by Patroni itself; undefined if none does. */
  readonly breaks: (advice: Advice, holder: string | undefined) => boolean
}

const denied = /\b(?:no|none|not|never|nothing|neither|nor|without|instead of|don't)\b/iu

/** Whether a part of a sentence, be it of the text or of the remedy, gives the order and does not forbid it. */
const orders = ({ text, remedy }: Advice, order: RegExp): boolean =>
  `${text}. ${remedy}`.split(/[,;:]\s|\.(?:\s|$)|[()]/u).some(part => order.test(part) && !denied.test(part))

const isNamed = (text: string, node: string): boolean => new RegExp(`(?<![\\w-])${node}(?![\\w-])`, 'u').test(text)

/** The node that a reason is about: the first one in its text. */
const subjectOf = ({ text }: Advice): string | undefined =>
  nodeNames.filter(node => isNamed(text, node)).sort((a, b) => text.search(`\\b${a}\\b`) - text.search(`\\b${b}\\b`))[0]

/** Whether a sentence of the remedy gives the order for this node: by its name, or as "that server" or "the node named". */
const ordersFor = (advice: Advice, order: RegExp, node: string): boolean =>
  advice.remedy.split(/[.;]\s|\.$/u).some(sentence => {
    const at = sentence.search(order)
    if (at < 0 || denied.test(sentence.slice(0, at))) return false
    const object = sentence.slice(at).split(/,|\band copy\b/u)[0] ?? ''
    return (
      isNamed(object, node) || (/\b(?:that|this|the) (?:server|node)\b/iu.test(object) && subjectOf(advice) === node)
    )
  })

export const adviceRules: readonly AdviceRule[] = [
  {
    name: 'promote',
    since: 'a promotion behind the back of Patroni makes a split brain, or a replica that never joins again',
    breaks: advice =>
      orders(advice, /^\W*(?:(?:then|and|or) )?promote\b|\b(?:then|and|or|must|should|to) promote\b|\bpg_promote\b/iu),
  },
  {
    name: 'point a path elsewhere',
    since: 'the path follows the primary by itself, and would not any more',
    breaks: advice =>
      advice.id.startsWith('write_path/') &&
      orders(advice, /\bpoint (?:it|them|the (?:write )?path|[\w/-]+) (?:back )?(?:at|to)\b/iu),
  },
  {
    name: 'fence the holder of the lock',
    since: 'it is the primary that Patroni elected',
    breaks: (advice, holder) =>
      holder !== undefined && ordersFor(advice, /\b(?:fence|shut down|stop|kill|power off|isolate)\b/iu, holder),
  },
  {
    name: 'wipe the holder of the lock',
    since: 'its rows exist nowhere else',
    breaks: (advice, holder) =>
      holder !== undefined && ordersFor(advice, /\b(?:reinit|rebuild|(?:pg_)?rewind|wipe|drop)\b/iu, holder),
  },
  {
    name: 'send no writes to the holder of the lock',
    since: 'it is the primary that Patroni elected',
    breaks: (advice, holder) =>
      holder !== undefined &&
      /\bsend no writes to\b/iu.test(advice.remedy) &&
      ordersFor(
        { ...advice, remedy: advice.remedy.replace(/\bno writes\b/iu, 'writes') },
        /\bsend writes to\b/iu,
        holder,
      ),
  },
  {
    name: 'change synchronous_standby_names by hand',
    since: 'Patroni no longer knows which standby has all rows, and the next failover may lose some',
    breaks: advice =>
      orders(advice, /\b(?:out of|from|set|change|edit|empty|correct|reset) synchronous_standby_names\b/iu),
  },
  {
    name: 'start or stop Postgres without Patroni',
    since: 'Patroni then fails over, or starts it again in another role',
    breaks: advice =>
      orders(advice, /\bpg_ctl (?:start|stop|restart|promote)\b|\bsystemctl (?:start|stop|restart) postgres/iu),
  },
]

/** The names of the rules that the advice breaks. */
export const harmIn = (advice: Advice, holder: string | undefined): string[] =>
  adviceRules.flatMap(rule => (rule.breaks(advice, holder) ? rule.name : []))
