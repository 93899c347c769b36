/** Where the runbooks are. The `runbook_url` of each alert begins with it. */
export const runbooksUrl = 'https://github.com/mailpath-exporter/mailpath-exporter/blob/main/docs/runbooks'

/** The page that says what to do about a reason, by its code. Safe in each output, whatever the code holds. */
export const runbookUrl = (code: string): string => `${runbooksUrl}/reasons/${code.replace(/\W/g, '_')}.md`
