import { describe, expect, it, onTestFinished } from 'vitest'
import { greetedBy } from '../../src/probes/smtp/greeted.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import type { SmtpTarget } from '../../src/probes/smtp/target.ts'
import { scripted } from '../servers/hostile.ts'
import { look } from './look.ts'

const targetOf = (port: number, more: object = {}): SmtpTarget =>
  smtp.target.parse({ name: 'relay', host: '127.0.0.1', port, security: 'none', ...more })

async function greetedWith(greeting: string): Promise<string | undefined> {
  const server = await scripted({ greeting })
  onTestFinished(() => server.close())
  const target = targetOf(server.port)
  await look(smtp, target)
  return greetedBy(target)
}

describe('the name by which a relay greets', () => {
  it.each([
    ['220 mail.Example.com ESMTP Postfix', 'mail.example.com'],
    ['220-mx1.example.com ready\r\n220 for you', 'mx1.example.com'],
    ['220 xn--mller-kva.example.com.', 'xn--mller-kva.example.com'],
    ['220 mail.example.com', 'mail.example.com'],
    // Not a name that DNS could have.
    ['220 [192.0.2.1] ESMTP', undefined],
    ['220 192.0.2.1 ESMTP', undefined],
    ['220 localhost ESMTP', undefined],
    ['220 ESMTP', undefined],
    ['220 -bad-.example.com ESMTP', undefined],
    ['554 mail.example.com no service here', undefined],
  ])('%j', async (greeting, name) => {
    expect(await greetedWith(greeting)).toBe(name)
  })

  it('is not known before the first session', () => {
    expect(greetedBy(targetOf(25))).toBeUndefined()
  })

  it('is shared with the target of a reload, unless it is another relay', async () => {
    const server = await scripted({ greeting: '220 mail.example.com ESMTP' })
    onTestFinished(() => server.close())
    const [before, same, other] = [
      targetOf(server.port),
      targetOf(server.port, { hello: 'app.example.com' }),
      targetOf(server.port, { host: 'localhost' }),
    ]
    for (const target of [same, other]) smtp.bind(target).inherit?.(before)
    await look(smtp, before)
    expect([greetedBy(same), greetedBy(other)]).toEqual(['mail.example.com', undefined])
  })
})
