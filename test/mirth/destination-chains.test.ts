import { expect, test } from 'vitest';
import type { ProcessBody, ProcessContext, ProcessMessage } from '../../src/flow/process-code.ts';
import { channel, type Stage } from '../../src/mirth/index.ts';

const RAW: Stage = { inbound: 'RAW', outbound: 'RAW' };
const throws = (): never => {
  throw new TypeError('not yet');
};

/** What a channel sends of what was left of a message. */
async function sentOf(taken: object): Promise<Map<string, unknown>> {
  const made = channel({
    name: 'Both',
    id: 'both',
    source: RAW,
    destinations: [
      { ...RAW, name: 'First', number: 1, to: 'first', call: true, transformer: throws },
      { ...RAW, name: 'Second', number: 2, to: 'second', apart: true },
    ],
  });
  const sent = new Map<string, unknown>();
  const context: Partial<ProcessContext> = {
    async send(target: string, body?: ProcessBody) {
      sent.set(target, body);
    },
  };
  const message: Partial<ProcessMessage> = {
    id: 1,
    target: 'both',
    type: 'application/vnd.waybill.mirth-destinations+json',
    bytes: async () => Buffer.from(JSON.stringify(taken)),
  };
  await made(message as ProcessMessage, context as ProcessContext);
  return sent;
}

test('what is left over again keeps the answer of a destination that has the message', async () => {
  const answers = { 1: { isGood: true, body: 'AA', text: '' } };
  const sent = await sentOf({ text: 'A', type: 'text/plain', only: [1, 2], answers });
  expect([...sent.keys()]).toEqual(['second', 'both']);
  const { body } = sent.get('both') as { readonly body: string };
  expect(JSON.parse(body)).toMatchObject({ only: [1], answers, failed: 'TypeError' });
});
