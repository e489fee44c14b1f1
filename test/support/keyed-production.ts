import { WARD } from './operator.ts';

/** A production whose processes wait for other messages, collect and share state, each by the patient's number. */
export const KEYED_PRODUCTION = WARD.replace(
  '    to: hl7-out\n',
  '    to: [pairs, bundle]\n',
).replace(
  'operations:',
  `processes:
  pairs:
    code: pairs.ts
    receives: { key: 'field("MSH-10").startsWith("SECOND") ? field("PID-3.1") : ""', keep: 1h }
    order: none
    pool: 4
    to: [hl7-out]
  bundle:
    collect: { key: 'field("PID-3.1")', count: 100, within: 24h, as: hl7 }
    order: none
    to: hl7-out
operations:
  subscriptions: { adapter: fhir-subscriptions-out }`,
);

const PAIRS = `
import { defineProcess } from 'waybill';
export default defineProcess(async (message, context) => {
  const key = message.document().get('PID-3.1');
  await context.state('patient ' + key).set({ name: message.document().get('PID-5'), visits: 4711, '1234567': true });
  const second = await context.receive({ key, timeout: 3_600_000, when: 'type == "ADT_A01"' });
  if (second !== undefined) await context.send('hl7-out', message.document());
  return undefined;
});
`;
export const KEYED_FILES = { 'pairs.ts': PAIRS };
