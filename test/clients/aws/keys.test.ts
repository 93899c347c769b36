import { describe, expect, it } from 'vitest'
import { accountOf } from '../../../src/clients/aws/account.ts'
import { awsEndpoint } from '../../../src/clients/aws/endpoints.ts'
import { sesRegions, smtpPassword } from '../../../src/clients/aws/smtp-password.ts'
import { lint } from '../../../src/probes/ses/settings.ts'

describe('smtpPassword', () => {
  // Known to log in: the test of the provider of AWS for Terraform (aws_iam_access_key).
  it.each([
    ['some+secret+key', 'eu-central-1', 'BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2'],
    ['another+secret+key', 'eu-central-1', 'BBbphbrQmrKMx42d1N6+C7VINYEBGI5v9VsZeTxwskfh'],
    ['some+secret+key', 'us-west-1', 'BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj'],
  ])('of %s in %s', (secretKey, region, password) => {
    expect(smtpPassword(secretKey, region)).toBe(password)
    expect(lint('secret_key', password)).toEqual({ state: 'malformed', fault: 'smtp_password' })
  })

  it('is another one in each region', () => {
    const all = new Set(sesRegions.map(region => smtpPassword('some+secret+key', region)))
    expect(all.size).toBe(sesRegions.length)
    for (const region of sesRegions) expect(lint('region', region)).toEqual({ state: 'well_formed' })
  })
})

describe('accountOf', () => {
  // From the articles and tools that found it out.
  it.each([
    ['ASIAQNZGKIQY56JQ7WML', '029608264753'],
    ['AKIASP2TPHJSQH3FJXYZ', '171436882533'],
    ['ASIAVJ2E6QGR2WZILJFM', '364679954851'],
    ['ASIAQAAAAAAAGMKEM7X5', '000000000000'],
  ])('%s is of %s', (accessKey, account) => {
    expect(accountOf(accessKey)).toBe(account)
  })

  it.each([
    'AKIAIOSFODNN7EXAMPLE',
    'AKIAJ2E6QGR2WZILJFMA',
    'AKIAQ1',
    'akiaqnzgkiqy56jq7wml',
    'AKIA7777777777777777',
    '',
  ])('%j does not say', accessKey => {
    expect(accountOf(accessKey)).toBeUndefined()
  })
})

it.each([
  ['eu-west-1', 'https://email.eu-west-1.amazonaws.com', 'https://sts.eu-west-1.amazonaws.com'],
  ['us-gov-west-1', 'https://email.us-gov-west-1.amazonaws.com', 'https://sts.us-gov-west-1.amazonaws.com'],
  ['cn-north-1', 'https://email.cn-north-1.amazonaws.com.cn', 'https://sts.cn-north-1.amazonaws.com.cn'],
  ['eusc-de-east-1', 'https://email.eusc-de-east-1.amazonaws.eu', 'https://sts.eusc-de-east-1.amazonaws.eu'],
  ['us-iso-east-1', 'https://email.us-iso-east-1.c2s.ic.gov', 'https://sts.us-iso-east-1.c2s.ic.gov'],
])('the endpoints of %s', (region, email, sts) => {
  const services = ['ses', 'sts'] as const
  expect(services.map(service => awsEndpoint({ service, region }))).toEqual([email, sts])
})
