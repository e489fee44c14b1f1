import { expect, test } from 'vitest';
import { maskedText } from '../../../src/access/rights/masked-text.ts';
import { processorTime } from '../../support/processor-time.ts';

test.for([
  ['no bed for Doe^John (4711)', 'no bed for Xxx^Xxxx (0000)'],
  ['PID-3.1 is "W12 ward", which is unknown', 'PID-3.1 is "X00 xxxx", which is unknown'],
  ['ADT_471199_Doe.hl7 cannot be read', 'XXX_000000_Xxx.xx0 cannot be read'],
  ['mail of anna.b@ward.example is too large', 'mail of xxxx.x@xxxx.xxxxxxx is too large'],
  ['born 1970-01-01 or 19700101', 'born 0000-00-00 or 00000000'],
  ['message "Doe" of 4711 Doe', 'message "Xxx" of 0000 Doe'],
  ['patient 471188 since 1970-01-01', 'patient 000000 since 0000-00-00'],
  ['insured as A123456789', 'insured as X000000000'],
] as const)('%s is shown as %s', ([text, shown]) => {
  expect(maskedText(text)).toBe(shown);
});

test.for([
  '10.1.2.3:2575 closed the connection before it acknowledged the message',
  'ward.example:10443 did not acknowledge within 30000 ms',
  'POST fhir.example.org answered 422',
  'the message has 1048576 bytes',
  'https://fhir.example:8443/r4 and [fe80::1]:40000 are not reached',
  'HL7v2:ADT_A01:2.5.1 is not taken',
  'the peer answered AE (rule no-bed)',
  'message 123456 of session 123455: 12000 messages wait',
  'since 2026-01-31T08:00:00.000Z job 4711 stands still',
  'there is no route for ADT^A01^ADT_A01',
  'the peer answered AE (rule no-bed-2024)',
  'resent as 245758238527488',
  '12000 messages are waiting for ward, more than 10000',
  '5000 messages for ward (10001 to 15000) are gone: NATS came back without them',
  'CN=ward.example, issued by CA, valid until 2027-03-01',
  'the certificate expired on 2027-03-01',
  'HL7 path "PID-3.1" holds nothing',
  'segment 3, field 5 of ADT_A01 is required (HL7 2.5.1)',
])('%s is shown as it is', (text) => {
  expect(maskedText(text)).toBe(text);
});

test('the names of the hosts that a text is about stay', () => {
  expect(
    maskedText('ward-2025 has waited for adt-20240101: no 4711', ['ward-2025', 'adt-20240101']),
  ).toBe('ward-2025 has waited for adt-20240101: no 0000');
});

test('a long text does not take long', () => {
  const began = processorTime();
  for (const one of ['"', "'", '^', '1.', 'a1-', 'a@b.', '1-1', '[1:'])
    maskedText(one.repeat(20_000));
  expect(processorTime() - began).toBeLessThan(1_000);
});
