import { finding } from '../../core/probe.ts'
import { visible } from '../../core/shown.ts'
import { bounded } from '../../clients/dns/index.ts'
import { cases, questions } from './judge/cases.ts'
import { evidenceOf } from './evidence.ts'
import { authenticationReasons } from './judge/authentication.ts'
import { dkimReasons } from './judge/dkim.ts'
import { dmarcReasons } from './judge/dmarc.ts'
import { domainReasons } from './judge/domain.ts'
import { helloReasons } from './judge/hello.ts'
import { mtaStsReasons } from './judge/mta-sts.ts'
import { ptrReasons } from './judge/ptr.ts'
import { spfReasons } from './judge/spf.ts'
import { zoneReasons } from './judge/zone.ts'
import { reason, type Reason } from './reasons.ts'
import { samplesOf } from './samples.ts'
import type { DnsSeen } from './seen.ts'
import type { DnsTarget } from './target.ts'

/** Each subject judges for itself. Of what is equally bad, the first is said first. */
const subjects = [
  domainReasons,
  authenticationReasons,
  spfReasons,
  dkimReasons,
  dmarcReasons,
  ptrReasons,
  helloReasons,
  zoneReasons,
  mtaStsReasons,
]

export const judge = (seen: DnsSeen, target: DnsTarget) => {
  const found = [...gaps(seen), ...subjects.flatMap(reasons => reasons(seen, target))].map(inOneLine)
  return finding(evidenceOf(seen, target), found, samplesOf(seen, target.name))
}

/** Texts quote records, in which anything may be. */
const inOneLine = (found: Reason): Reason => ({ ...found, text: visible(found.text) })

/** What is not known. */
function gaps({ unanswered, unconfirmed, isUsedUp }: DnsSeen): Reason[] {
  return [
    ...(unanswered.length > 0
      ? [reason('dns_resolver_failed', questions(unanswered), isUsedUp ? fewerQuestions : undefined)]
      : []),
    ...(unconfirmed.length > 0
      ? [reason('dns_unconfirmed', `${cases(unconfirmed.map(bounded))}: there in the look before, and not in this one`)]
      : []),
  ]
}

const fewerQuestions =
  'Have the records lead to fewer others: take includes out of SPF, and selectors and senders out of the target; or make two targets of it.'
