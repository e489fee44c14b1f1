import { expect, test } from 'vitest';
import { problemsOf } from '../../support/production.ts';

/** What is said of a rule with this condition. */
const said = async (when: string): Promise<string> => {
  const problems = await problemsOf(`production: p
services:
  in: { adapter: sample-in, to: [router] }
processes:
  router:
    rules:
      - { name: one, when: '${when}', send: out }
operations:
  out: { adapter: sample-out, settings: { connect: a:1 } }
`);
  return problems.join(' ').replace(/^.*rules\[0\]\.when: /, '');
};

test.for([
  ['type == "ADT^A01"', 'no message has the type ADT^A01. Write ADT_A01.'],
  ['has("PID") && type == "adt_a01"', 'no message has the type adt_a01. Write ADT_A01.'],
  [
    'type in ["ORU_R01", "HL7v2:ADT_A01:2.5"]',
    'no message has the type HL7v2:ADT_A01:2.5. Write ADT_A01.',
  ],
  [
    'type == "ADT"',
    'no message has the type ADT. Write type.startsWith("ADT_"), or name the event, as in ADT_A01.',
  ],
  ['event == "ADT_A01"', 'no message has the event ADT_A01. Write A01.'],
  ['event == "a01"', 'no message has the event a01. Write A01.'],
  ['source == "inn"', 'there is no host inn. Did you mean in?'],
] as const)('%s takes no message, and check says so', async ([when, text]) => {
  expect(await said(when)).toBe(text);
});

test('what a message may be is no mistake', async () => {
  const types = ['ACK', 'ADT_A01', 'application/json', '837P', '999', 'TA1', 'MEDRPT', 'ZXX_Z01'];
  // names that a service or code gives, and HL7 that cannot be read
  types.push('labresult', 'csv', 'lab_csv', 'HL7v2');
  for (const type of types) expect(await said(`type == "${type}"`)).toBe('');
  for (const when of ['event == ""', 'event == "Z1"', 'source == "in"', 'source == "waybill"']) {
    expect(await said(when)).toBe('');
  }
});
