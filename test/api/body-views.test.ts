import { expect, test } from 'vitest';
import { indentedXml } from '../../src/api/body/body-text.ts';
import { mailView } from '../../src/api/body/mail-view.ts';
import { processorTime } from '../support/processor-time.ts';
import { SAMPLE_MAIL } from '../support/sample-mail.ts';

test.for([
  ['<a><b>1</b><c><d/></c></a>', '<a>\n  <b>1</b>\n  <c>\n    <d/>\n  </c>\n</a>'],
  [
    '<?xml version="1.0"?><!-- x > y --><p:a q="1">\n\t<b>text <i>it</i> more</b><e></e></p:a>',
    '<?xml version="1.0"?>\n<!-- x > y -->\n<p:a q="1">\n  <b>text <i>it</i> more</b>\n  <e></e>\n</p:a>',
  ],
  ['<a><![CDATA[1 < 2]]></a>', '<a><![CDATA[1 < 2]]></a>'],
  ['a < b, which is no XML', 'a < b, which is no XML'],
] as const)('XML is laid out for reading: %s', ([text, shown]) => {
  expect(indentedXml(text)).toBe(shown);
});

test.for([
  `${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}`,
  '<'.repeat(200_000),
  '<!--'.repeat(100_000),
  '<![CDATA['.repeat(50_000),
])('XML that was made to take long is laid out in no time', (text) => {
  const began = processorTime();
  expect(indentedXml(text).length).toBeLessThan(text.length * 50);
  expect(processorTime() - began).toBeLessThan(2_000);
});

test('a mail is taken apart; its HTML comes as text, and what is attached by its name', async () => {
  const seen = await mailView(Buffer.from(SAMPLE_MAIL));
  expect(seen).toMatchObject({
    subject: 'Grüße',
    from: ['"Ward" <ward@hospital.example>'],
    date: Date.UTC(2026, 10, 26, 9),
    html: true,
    attachments: [{ name: 'letter.pdf', type: 'application/pdf', size: 5 }],
  });
  expect(seen.to.join(' ')).toContain('b@example.org');
  expect(seen.text).toContain('Result ready');
  expect(seen.text).not.toContain('owned');
  expect(seen.headers.map(({ name }) => name)).toContain('Subject');
});
