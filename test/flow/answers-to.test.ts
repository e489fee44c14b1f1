import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { outcomeTail } from '../../src/broker/outcome-tail.ts';
import { RejectedError } from '../../src/error/adapter-error.ts';
import type { Message, Reply } from '../../src/message/message.ts';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A message to `ask`, whose answers go to `keep`. */
async function asked(answer: (message: Message) => Reply | undefined) {
  const nats = await startNats();
  const from = testInbound();
  const ask = testOutbound(answer);
  const keep = testOutbound();
  const running = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['ask'] })],
      operations: [
        operationDefinition('ask', ask, { answersTo: ['keep'] }),
        operationDefinition('keep', keep),
      ],
    }),
  );
  const deliver = (text: string, reply = false) =>
    from.deliver({ body: Buffer.from(text), type: 'text/plain', charset: 'latin1' }, { reply });
  return {
    deliver,
    ask,
    keep,
    async [Symbol.asyncDispose]() {
      await running.stop();
      await nats.stop();
    },
  };
}

const texts = (messages: readonly Message[]): Promise<string[]> =>
  Promise.all(messages.map(async ({ body }) => Buffer.from(await body.bytes()).toString()));

test('an answer is a message of its own, in the session of the message it answers', async () => {
  await using lab = await asked(() => ({
    body: Buffer.from('{"id":1}'),
    type: 'application/json',
    code: '200',
  }));
  const { messageId } = await vi.waitFor(() => lab.deliver('a'));
  await vi.waitFor(() => expect(lab.keep.sent).toHaveLength(1));
  expect(await texts(lab.keep.sent)).toEqual(['{"id":1}']);
  const [sent] = lab.keep.sent;
  expect(sent).toMatchObject({
    source: 'ask',
    target: 'keep',
    type: 'application/json',
    sessionId: messageId,
    parentId: lab.ask.sent[0]?.id,
    size: 8,
  });
  expect(sent?.charset).toBeUndefined();
});

test('the sender that waits gets the answer as well', async () => {
  await using lab = await asked(() => ({ body: Buffer.from('yes'), type: 'text/plain' }));
  await vi.waitFor(() => lab.deliver('a'));
  const { reply } = await lab.deliver('b', true);
  expect(Buffer.from(reply?.body ?? []).toString()).toBe('yes');
  await vi.waitFor(() => expect(lab.keep.sent).toHaveLength(2));
});

test('a large answer goes on as well', async () => {
  const large = Buffer.alloc(1_000_000, 'x');
  await using lab = await asked(() => ({ body: large, type: 'text/plain' }));
  await vi.waitFor(() => lab.deliver('a'));
  await vi.waitFor(() => expect(lab.keep.sent).toHaveLength(1));
  expect(lab.keep.sent[0]?.size).toBe(large.length);
  expect(await texts(lab.keep.sent)).toEqual([large.toString()]);
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
  await vi.waitFor(() => lab.deliver('0'));
  for (const text of ['1', '2', '3']) await lab.deliver(text);
  await vi.waitFor(() => expect(lab.keep.sent).toHaveLength(1));
  expect(await texts(lab.keep.sent)).toEqual(['last']);
});

test('a message is not settled before its answer is stored', async () => {
  await using nats = await startNats();
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
  const from = testInbound();
  const ask = testOutbound(() => ({ body: Buffer.from('yes'), type: 'text/plain' }));
  await using running = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['ask'] })],
      processes: [processDefinition('hold', { code, run: 'inline' })],
      operations: [operationDefinition('ask', ask, { answersTo: ['hold'] })],
    }),
  );
  const settled = async (): Promise<number> => {
    await running.engine.outcomes.flush();
    let count = 0;
    for await (const { record } of outcomeTail(running.engine.broker, 60_000)) {
      if (record.kind === 'outcome') count++;
    }
    return count;
  };
  await vi.waitFor(() => from.deliver({ body: Buffer.from('a'), type: 'text/plain' }));
  await vi.waitFor(() => expect(ask.sent).toHaveLength(1));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await settled()).toBe(0);
  await writeFile(join(folder.path, 'go'), '');
  await vi.waitFor(async () => expect(await settled()).toBe(1));
});
