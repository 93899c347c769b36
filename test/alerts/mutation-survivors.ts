/** Mutants that no test can or need catch, and why. What survives beyond these is a test that is missing. */

const always1 = 'The series is there only while it holds, and always 1: the greatest value is the least.'

const aSecond =
  'It begins or ends a second earlier or later, which makes no difference to what has to last for 5 minutes.'

const sameSeverity = 'The series has the severity of the reason, which is the same word.'

export const survivors: Readonly<Record<string, string>> = {
  'mail_path:mailpath_mail_blocker:max: max -> min': always1,
  'target:mailpath_check_reason:max: max -> min': always1,
  'target:mailpath_write_path_landed_info:max: max -> min': always1,
  'postgres_cluster:mailpath_cluster_primary_info:max: max -> min': always1,
  'MailPostgresPrimaryUnknown warning: max -> min': always1,
  'MailPostgresClusterInconsistent warning: max -> min': always1,
  'MailVaultNoLeader warning: max -> min': always1,
  'MailVaultTokenRejected warning: max -> min': always1,
  'MailVaultTokenExpiresSoon warning: max -> min': always1,
  'MailVaultCertificateExpiresSoon warning: max -> min': always1,
  'MailPostgresCertificateExpiresSoon warning: max -> min': always1,
  'MailPostgresHorizonHeld warning: max -> min': always1,
  'MailPostgresTransactionIdsOld warning: max -> min': always1,
  'MailPatroniNoCandidate warning: max -> min': always1,
  'MailPatroniUpkeep info: max -> min': always1,
  'MailPgbouncerClientsWait warning: max -> min': always1,
  'MailWritePathSessionsOnStandby warning: max -> min': always1,
  'MailPostgresReplicaDiverged warning: max -> min': always1,
  'MailWritePathServerWarns warning: max -> min': always1,
  'MailSesQuotaExhausted warning: max -> min': always1,
  'MailSesUnderReview warning: max -> min': always1,
  'MailSesSenderRefused warning: max -> min': always1,
  'MailSesDkimFailing warning: max -> min': always1,
  'MailSesConfigurationSetUnusable warning: max -> min': always1,
  'MailSesClockOff warning: max -> min': always1,
  'MailOutboxStuck warning: max -> min': always1,
  'MailOutboxQuiet warning: max -> min': always1,
  'MailOutboxUnreadable warning: max -> min': always1,
  'postgres_cluster:mailpath_cluster_reason:max: max -> min': always1,
  'MailPatroniDcsLost critical: no label severity': sameSeverity,
  'MailPatroniFailsafeActive critical: no label severity': sameSeverity,
  'MailPatroniSilent critical: no label severity': sameSeverity,
  'MailPatroniPrimaryNotElected critical: no label severity': sameSeverity,
  'MailPatroniLeaderCrashLooping critical: no label severity': sameSeverity,
  'MailPostgresTimelineWentBack critical: no label severity': sameSeverity,
  'MailVerdictUnknown warning: max -> min':
    'A replica that does not say unknown says something else, and then there is no alert at all.',
  'MailVerdictUnknown warning: verdict="unknown" -> nothing': 'What is not unknown is left out by what follows.',
  'MailpathCheckUnknown warning: max -> min':
    'A replica that does not say unknown says something else, and then there is no alert at all.',
  'MailpathLogLinesLost warning: 0 -> 1': 'increase() extrapolates: one line that was lost is a little more than 1.',
  'MailpathCheckUnknown warning: verdict="unknown" -> nothing': 'What is not unknown is left out by what follows.',
  'MailSmtpCertificateInvalid critical: 0 -> 1 (2)': aSecond,
  'MailSmtpCertificateInvalid critical: 0 -> -1 (2)': aSecond,
  'MailSmtpCertificateInvalid critical: <= -> <': aSecond,
  'Watchdog none: 1 -> 1.1': 'Its value says nothing: it is always there.',
  'Watchdog none: 1 -> 0.9': 'Its value says nothing: it is always there.',
}
