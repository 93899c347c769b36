import { expect, it } from 'vitest'
import { elements, textIn } from '../../../src/clients/aws/xml.ts'
import { working } from '../../fuzz/limits.ts'

const answer = `<GetSendStatisticsResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/">
  <GetSendStatisticsResult><SendDataPoints>
    <member><Bounces>1</Bounces><Timestamp>2026-11-30T12:00:00Z</Timestamp></member>
    <member><Bounces>0</Bounces><Empty/></member>
  </SendDataPoints></GetSendStatisticsResult>
  <ResponseMetadata><RequestId>a &lt;b&gt; &amp;amp; &#228;&#x1F600; &#x110000; &nbsp;</RequestId></ResponseMetadata>
</GetSendStatisticsResponse>`

it('finds elements and their text', () => {
  expect(elements(answer, 'member').map(one => textIn(one, 'Bounces'))).toEqual(['1', '0'])
  expect(textIn(answer, 'RequestId')).toBe('a <b> &amp; ä😀 &#x110000; &nbsp;')
  expect(textIn(answer, 'SendDataPoints')).toBeUndefined()
  expect(textIn(answer, 'Empty')).toBeUndefined()
  expect(textIn('<a>never closed', 'a')).toBeUndefined()
})

it.each(['<a>', '<a></a>', '</a>', '<a>&amp;', '&#x'])('reads 1 MiB of %s with next to no work', piece => {
  const xml = piece.repeat(1_048_576 / piece.length)
  const spent = working()
  elements(xml, 'a')
  textIn(`<a>${xml.replaceAll('<', ' ')}</a>`, 'a')
  expect(spent()).toBeLessThan(1_000)
})
