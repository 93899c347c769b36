import { randomBytes } from 'node:crypto'
import type { RawRequest } from './aws-signature.ts'
import { errorInXml, jsonReply, textReply, xmlReply, type Reply } from './aws-answers.ts'

/** What gives out keys for a role. */
export interface RoleKnobs {
  /** ARN of the role that all three give out. */
  arn: string
  /** What its keys may do, as `allows` of a key. */
  allows: string[]
  /** How long its keys live. */
  lifeMs: number
  /** The token of the service account that STS takes. */
  identityToken: string
  /** What STS answers instead. */
  sts: StsRefusal | undefined
  /** The token that the container endpoint takes. */
  containerToken: string
  /** What the container endpoint answers instead. */
  container: 'denied' | 'not_found' | undefined
  /**
   * What the metadata of the instance answers instead: `off`, they are switched off; `no_role`, the instance has none;
   * `unauthorized`, EC2 may not assume it (200, with a Code that is not Success); `v1_only`, there are no tokens.
   */
  metadata: 'off' | 'no_role' | 'unauthorized' | 'v1_only' | undefined
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
export const stsRefusals = {
  ExpiredTokenException: [
    400,
    'Token expired: current date/time 1796040000 must be before the expiration date/time 1796036400',
  ],
  InvalidIdentityToken: [
    400,
    'No OpenIDConnect provider found in your account for https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE',
  ],
  AccessDenied: [403, 'Not authorized to perform sts:AssumeRoleWithWebIdentity'],
  IDPCommunicationError: [400, 'Could not reach the identity provider'],
  IDPRejectedClaim: [403, 'The identity provider rejected the claim'],
  RegionDisabledException: [403, 'STS is not activated in this region for account:123456789012'],
} as const satisfies Record<string, readonly [status: number, message: string]>
export type StsRefusal = keyof typeof stsRefusals

/** Keys of a role, as they are given out. */
export interface Issued {
  readonly id: string
  readonly secret: string
  readonly token: string
  readonly expires: number
}

export const issuedKeys = (id: string, expires: number): Issued => ({
  id,
  secret: randomBytes(30).toString('base64'),
  token: randomBytes(180).toString('base64'),
  // In whole seconds, as it is written.
  expires: Math.floor(expires / 1000) * 1000,
})

const iso = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
const stsNamespace = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** STS: nothing is signed, the token of the service account is what proves the caller. */
export function assumeRole(role: RoleKnobs, form: URLSearchParams, issue: () => Issued): Reply {
  const refused = (code: string, [status, message]: readonly [number, string]): Reply =>
    errorInXml(status, code, message, stsNamespace)
  const wrong = (text: string): Reply => refused('ValidationError', [400, `1 validation error detected: ${text}`])
  const missing = ['RoleArn', 'RoleSessionName', 'WebIdentityToken'].find(name => !form.get(name))
  if (missing !== undefined)
    return wrong(`Value null at '${missing}' failed to satisfy constraint: Member must not be null`)
  const name = form.get('RoleSessionName') ?? ''
  if (!/^[\w+=,.@-]{2,64}$/.test(name))
    return wrong(`Value '${name}' at 'roleSessionName' failed to satisfy constraint: [\\w+=,.@-]*`)
  if (role.sts !== undefined) return refused(role.sts, stsRefusals[role.sts])
  if (form.get('WebIdentityToken') !== role.identityToken)
    return refused('InvalidIdentityToken', [400, "The web identity token that was passed couldn't be validated by AWS"])
  if (form.get('RoleArn') !== role.arn) return refused('AccessDenied', stsRefusals.AccessDenied)
  const { id, secret, token, expires } = issue()
  const assumed = role.arn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')
  return xmlReply(
    200,
    `<AssumeRoleWithWebIdentityResponse xmlns="${stsNamespace}">
  <AssumeRoleWithWebIdentityResult>
    <Audience>sts.amazonaws.com</Audience>
    <AssumedRoleUser>
      <AssumedRoleId>AROACLKWSDQRAOEXAMPLE:${name}</AssumedRoleId>
      <Arn>${assumed}/${name}</Arn>
    </AssumedRoleUser>
    <Provider>arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE</Provider>
    <Credentials>
      <AccessKeyId>${id}</AccessKeyId>
      <SecretAccessKey>${secret}</SecretAccessKey>
      <SessionToken>${token}</SessionToken>
      <Expiration>${iso(expires)}</Expiration>
    </Credentials>
    <SubjectFromWebIdentityToken>system:serviceaccount:monitoring:mailpath</SubjectFromWebIdentityToken>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata>
    <RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId>
  </ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>
`,
  )
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */
export function containerKeys(role: RoleKnobs, { headers }: RawRequest, issue: () => Issued): Reply {
  if (headers.authorization === undefined) return textReply(400, 'Service account token cannot be empty\n')
  if (role.container === 'not_found')
    return jsonReply(404, {
      code: 'InvalidIdInRequest',
      message: 'CredentialsV2Request: Credentials not found',
      HTTPErrorCode: 404,
    })
  if (role.container === 'denied' || headers.authorization !== role.containerToken)
    return textReply(
      400,
      '[4b1e]: (AccessDeniedException): Unauthorized Exception! EKS does not have permissions to assume the associated role., fault: client\n',
    )
  const { id, secret, token, expires } = issue()
  return jsonReply(200, {
    AccessKeyId: id,
    SecretAccessKey: secret,
    Token: token,
    Expiration: iso(expires),
    AccountId: '123456789012',
  })
}

const notFound = `<?xml version="1.0" encoding="iso-8859-1"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
 <head><title>404 - Not Found</title></head>
 <body><h1>404 - Not Found</h1></body>
</html>
`
const metadataAt = '/latest/meta-data/iam/security-credentials/'

/** IMDSv2 only: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html */
export function instanceMetadata(
  role: RoleKnobs,
  sessions: Set<string>,
  { method, path, headers }: RawRequest,
  issue: () => Issued,
): Reply {
  // A request that a proxy passed on.
  if (role.metadata === 'off' || headers['x-forwarded-for'] !== undefined) return htmlReply(403)
  if (path === '/latest/api/token') {
    if (role.metadata === 'v1_only') return htmlReply(404)
    if (method !== 'PUT') return htmlReply(405)
    const seconds = Number(headers['x-aws-ec2-metadata-token-ttl-seconds'])
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > 21_600) return htmlReply(400)
    const session = randomBytes(40).toString('base64')
    sessions.add(session)
    return { ...textReply(200, session), headers: { 'X-Aws-Ec2-Metadata-Token-Ttl-Seconds': String(seconds) } }
  }
  const session = headers['x-aws-ec2-metadata-token']
  if (typeof session !== 'string' || !sessions.has(session)) return htmlReply(401)
  const name = role.arn.split('/').at(-1) ?? ''
  if (role.metadata === 'no_role' || !path.startsWith(metadataAt)) return htmlReply(404)
  if (path === metadataAt) return textReply(200, name)
  if (path !== `${metadataAt}${name}`) return htmlReply(404)
  const now = iso(Date.now())
  if (role.metadata === 'unauthorized')
    return textReply(
      200,
      JSON.stringify(
        {
          Code: 'AssumeRoleUnauthorizedAccess',
          Message: `EC2 cannot assume the role ${name}. Please see documentation at https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc.`,
          LastUpdated: now,
        },
        undefined,
        2,
      ),
    )
  const { id, secret, token, expires } = issue()
  return textReply(
    200,
    JSON.stringify(
      {
        Code: 'Success',
        LastUpdated: now,
        Type: 'AWS-HMAC',
        AccessKeyId: id,
        SecretAccessKey: secret,
        Token: token,
        Expiration: iso(expires),
      },
      undefined,
      2,
    ),
  )
}

const htmlReply = (status: number): Reply => ({
  status,
  type: 'text/html',
  body: notFound.replaceAll('404 - Not Found', `${status}`),
})
