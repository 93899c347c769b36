import type { AwsAnswer } from '../../clients/aws/answers.ts'
import type { SesSetting, SettingName } from './settings.ts'

/** What one run saw of SES. No value of a setting is in it. */
export interface SesSeen {
  /** The form of each setting. With `credentials` only the region. */
  readonly settings: { readonly [Name in SettingName]?: SesSetting | undefined }
  /** Why other values that SES is asked with could not be read. Then it is not asked. */
  readonly unreadable?: readonly string[] | undefined
  /** Undefined if SES was not asked: a setting is missing or wrong, `verify: false`, or a stub. */
  readonly asked?: SesAsked | undefined
  /** The SMTP passwords that the secret key derives: fingerprint (`src/core/fingerprint.ts`) → region. */
  readonly smtpPasswords?: ReadonlyMap<string, string> | undefined
}

/** What SES said. What was not asked in this run is from an earlier one. */
export interface SesAsked {
  /** `host:port` */
  readonly address: string
  /** The first request, signed with the keys of the application: it proves them. */
  readonly account: AwsAnswer<SesAccount>
  /** The account by the keys of `monitor`, if those of the application may not read it. */
  readonly monitored?: AwsAnswer<SesAccount> | undefined
  /** The keys of `monitor` are of another account, so it was not read. Undefined if the form of the keys does not tell. */
  readonly otherAccount?: boolean | undefined
  /** With `from`. */
  readonly identity?: AwsAnswer<SesIdentity> | undefined
  /** With `configuration_set`. */
  readonly configurationSet?: AwsAnswer<SesConfigurationSet> | undefined
  /** With `recipients`: those on the suppression list, by their place in the configuration, from 0. */
  readonly suppressed?: AwsAnswer<readonly SesSuppressed[]> | undefined
  readonly statistics?: AwsAnswer<SesStatistics> | undefined
  /** The clock of the exporter less that of SES, by the `Date` of its answer, in seconds. */
  readonly clockSkewSeconds?: number | undefined
  /** The keys are those of the exporter's own role (`credentials`). `unusable`: why there are none. */
  readonly role?: { readonly unusable?: string | undefined } | undefined
  /** SES throttles. `seconds`: how old the facts are; undefined if some are missing. `waiting`: nothing was asked now. */
  readonly throttled?: { readonly seconds: number | undefined; readonly waiting: boolean } | undefined
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html. Undefined: SES does not say. */
export interface SesAccount {
  readonly sendingEnabled: boolean | undefined
  readonly productionAccess: boolean | undefined
  /** HEALTHY, PROBATION, SHUTDOWN, or a word we do not know. */
  readonly enforcement: string | undefined
  /** Messages in 24 hours; -1 is no limit. */
  readonly max24Hours: number | undefined
  readonly sent24Hours: number | undefined
  /** Messages per second. */
  readonly maxRate: number | undefined
  /** Of the request for production access: PENDING, FAILED, GRANTED, DENIED. */
  readonly review: string | undefined
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html */
export interface SesIdentity {
  /** Which of them decides: the address itself, its domain, or a domain above. */
  readonly of: 'address' | 'domain' | 'parent'
  /** The domain, for evidence; undefined for the address. */
  readonly domain: string | undefined
  readonly verified: boolean | undefined
  /** Such as PENDING, and why: such as HOST_NOT_FOUND. */
  readonly status: string | undefined
  readonly errorType: string | undefined
  /** When SES last looked at its DNS, and last found it right: milliseconds since the epoch. */
  readonly checkedAt: number | undefined
  readonly successAt: number | undefined
  readonly dkim: SesDkim
  /** Undefined without a custom MAIL FROM domain. */
  readonly mailFrom:
    | {
        readonly domain: string | undefined
        readonly status: string | undefined
        readonly behavior: string | undefined
      }
    | undefined
  /** The address has an identity of its own that is not verified, and a domain is. */
  readonly inherited: boolean
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_DkimAttributes.html */
interface SesDkim {
  readonly enabled: boolean | undefined
  readonly status: string | undefined
  /** `EXTERNAL`: with a key of the customer's own. Else SES has the keys. */
  readonly origin?: string | undefined
  /** Selectors. */
  readonly tokens?: readonly string[] | undefined
  /** Where they lead, such as `dkim.amazonses.com`. */
  readonly zone?: string | undefined
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetConfigurationSet.html */
export interface SesConfigurationSet {
  readonly sendingEnabled: boolean | undefined
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetSuppressedDestination.html */
export interface SesSuppressed {
  /** Place in `recipients`, from 0. */
  readonly index: number
  /** BOUNCE or COMPLAINT. */
  readonly reason: string | undefined
}

/** Sums of the last 24 hours: https://docs.aws.amazon.com/ses/latest/APIReference/API_GetSendStatistics.html */
export interface SesStatistics {
  readonly attempts: number
  readonly bounces: number
  readonly complaints: number
}
