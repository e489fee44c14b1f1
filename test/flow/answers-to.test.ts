import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { RejectedError } from '../../src/error/adapter-error.ts';
import type { Message, Reply } from '../../src/message/message.ts';
import { type GivenProduction, given } from '../support/given.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A message to `ask`, whose answers go to `keep`. */
const asked = (answer: (message: Message) => Reply | undefined): Promise<GivenProduction> =>
  given({ operations: { ask: { answer, answersTo: ['keep'] }, keep: {} } });

const texts = (messages: readonly Message[]): Promise<string[]> =>
  Promise.all(messages.map(async ({ body }) => Buffer.from(await body.bytes()).toString()));

test('an answer is a message of its own, in the session of the message it answers', async () => {
  await using lab = await asked(() => ({
    body: Buffer.from('{"id":1}'),
    type: 'application/json',
    code: '200',
  }));
  const { messageId } = await lab.comes('a');
  await vi.waitFor(() => expect(lab.sent('keep')).toHaveLength(1));
  expect(await texts(lab.sent('keep'))).toEqual(['{"id":1}']);
  const [sent] = lab.sent('keep');
  expect(sent).toMatchObject({
    source: 'ask',
    target: 'keep',
    type: 'application/json',
    sessionId: messageId,
    parentId: lab.sent('ask')[0]?.id,
    size: 8,
  });
  expect(sent?.charset).toBeUndefined();
});

test('the sender that waits gets the answer as well', async () => {
  await using lab = await asked(() => ({ body: Buffer.from('yes'), type: 'text/plain' }));
  await lab.comes('a');
  const { reply } = await lab.comes('b', { reply: true });
  expect(Buffer.from(reply?.body ?? []).toString()).toBe('yes');
  await vi.waitFor(() => expect(lab.sent('keep')).toHaveLength(2));
});

test('a large answer goes on as well', async () => {
  const large = Buffer.alloc(1_000_000, 'x');
  await using lab = await asked(() => ({ body: large, type: 'text/plain' }));
  await lab.comes('a');
  await vi.waitFor(() => expect(lab.sent('keep')).toHaveLength(1));
  expect(lab.sent('keep')[0]?.size).toBe(large.length);
  expect(await texts(lab.sent('keep'))).toEqual([large.toString()]);
});

test('no answer, one without a body and one to a message that failed go nowhere', async () => {
  const answers: readonly (() => Reply | undefined)[] = [
    () => undefined,
    () => ({ body: Buffer.alloc(0), type: 'text/plain', code: '204' }),
    () => {
      throw new RejectedError('no');
    },
    () => ({ body: Buffer.from('last'), type: 'text/plain' }),
  ];
  let at = 0;
  await using lab = await asked(() => answers[at++]?.());
  await lab.come('0', '1', '2', '3');
  await vi.waitFor(() => expect(lab.sent('keep')).toHaveLength(1));
  expect(await texts(lab.sent('keep'))).toEqual(['last']);
});

test('the answer to a message that ends as an error or suspended goes to the targets of refusals, once', async () => {
  const codes = ['AA', 'AE', 'AR', 'CE', 'AE', 'AA'];
  let at = 0;
  await using lab = await given({
    operations: {
      ask: {
        answer: () => {
          const code = codes[at++] ?? 'AA';
          return { body: Buffer.from(`MSA|${code}|${at}`), type: 'HL7v2:ACK', code };
        },
        answersTo: ['keep'],
        refusalsTo: ['refused'],
        replies: { AE: 'fail', AR: 'suspend', CE: 'retry' },
        retry: { every: 10, max: 10, for: 60_000, backoff: 1, disconnected: 10 },
      },
      keep: {},
      refused: {},
    },
  });
  await lab.come('0', '1', '2', '3', '4');
  await lab.arrive(['MSA|AA|1', 'MSA|AA|6'], 'keep');
  // of the two tries of one message the last
  await lab.arrive(['MSA|AE|2', 'MSA|AR|3', 'MSA|AE|5'], 'refused');
  expect(lab.sent('refused')[1]).toMatchObject({
    source: 'ask',
    type: 'HL7v2:ACK',
    parentId: lab.sent('ask')[2]?.id,
  });
});

test('a message is not settled before its answer is stored', async () => {
  await using folder = await temporaryFolder('answers');
  const code = join(folder.path, 'hold.ts');
  await writeFile(
    code,
    `import { existsSync } from 'node:fs';
export default async () => {
  while (!existsSync(${JSON.stringify(join(folder.path, 'go'))})) await new Promise((r) => setTimeout(r, 10));
};
`,
  );
  await using lab = await given({
    processes: { hold: { code, run: 'inline' } },
    operations: {
      ask: {
        answer: () => ({ body: Buffer.from('yes'), type: 'text/plain' }),
        answersTo: ['hold'],
      },
    },
  });
  await lab.come('a');
  await vi.waitFor(() => expect(lab.sent('ask')).toHaveLength(1));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await lab.outcomes()).toEqual([]);
  await writeFile(join(folder.path, 'go'), '');
  await vi.waitFor(async () => expect(await lab.outcomes()).toHaveLength(1));
});
