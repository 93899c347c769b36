import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { isCrossSite } from '../../src/web/cross-site.ts'

const request = (method: string, headers: Record<string, string>): IncomingMessage =>
  Object.assign(new IncomingMessage(new Socket()), { method, headers: { host: 'mailpath:10587', ...headers } })

it.each<[boolean, string, Record<string, string>]>([
  // curl, Prometheus Operator's config-reloader
  [false, 'POST', {}],
  [false, 'POST', { 'sec-fetch-site': 'same-origin' }],
  [false, 'POST', { 'sec-fetch-site': 'none' }],
  [true, 'POST', { 'sec-fetch-site': 'same-site' }],
  [true, 'POST', { 'sec-fetch-site': 'cross-site' }],
  [true, 'POST', { 'sec-fetch-site': 'same-origin, cross-site' }],
  [true, 'POST', { 'sec-fetch-site': 'cross-site', origin: 'http://mailpath:10587' }],
  [true, 'DELETE', { 'sec-fetch-site': 'cross-site' }],
  [false, 'GET', { 'sec-fetch-site': 'cross-site' }],
  [false, 'HEAD', { 'sec-fetch-site': 'cross-site' }],
  [false, 'POST', { origin: 'http://mailpath:10587' }],
  [false, 'POST', { origin: 'https://mailpath:10587' }],
  [false, 'POST', { origin: 'http://MAILPATH:10587' }],
  [false, 'POST', { origin: 'http://mailpath', host: 'mailpath:80' }],
  [false, 'POST', { origin: 'https://mailpath', host: 'mailpath:443' }],
  [true, 'POST', { origin: 'http://mailpath' }],
  [true, 'POST', { origin: 'http://evil.example' }],
  [true, 'POST', { origin: 'http://mailpath:10587.evil.example' }],
  // A form in a browser of before 2020.
  [true, 'POST', { referer: 'http://evil.example/page' }],
  [false, 'POST', { referer: 'http://mailpath:10587/' }],
  [false, 'POST', { referer: 'http://evil.example/page', origin: 'http://mailpath:10587' }],
  // A page in a sandbox, or out of a file.
  [true, 'POST', { origin: 'null' }],
  [true, 'POST', { origin: 'null', host: '' }],
])('%s: %s with %j', (expected, method, headers) => {
  expect(isCrossSite(request(method, headers))).toBe(expected)
})
