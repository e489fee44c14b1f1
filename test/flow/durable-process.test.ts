import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { ProcessDefinition } from '../../src/production/definition.ts';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

async function code(folder: string, body: string): Promise<Partial<ProcessDefinition>> {
  const file = join(folder, `process-${Math.random()}.ts`);
  await writeFile(file, `export default async (message, context) => {\n${body}\n};\n`);
  return { code: file, run: 'queued' };
}

test('a process calls a target, gets its answer and sends on', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const asked = testOutbound(() => ({ body: Buffer.from('42'), type: 'text/plain', code: '200' }));
  const told = testOutbound();
  await using _ = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['letters'] })],
      processes: [
        processDefinition(
          'letters',
          await code(
            nats.data,
            `const answer = await context.call('registry', 'who?');
             await context.send('printer', 'the answer is ' + Buffer.from(answer.body).toString() + ' ' + answer.code);`,
          ),
        ),
      ],
      operations: [operationDefinition('registry', asked), operationDefinition('printer', told)],
    }),
  );
  await vi.waitFor(() => from.deliver({ body: Buffer.from('x'), type: 'text/plain' }));
  await vi.waitFor(() => expect(told.sent).toHaveLength(1));
  expect(Buffer.from(told.sent[0]?.body.inline ?? []).toString()).toBe('the answer is 42 200');
});

test('a process that is stopped in the middle goes on after the next start and repeats no effect', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const once = testOutbound();
  const twice = testOutbound();
  const body = `await context.send('first', 'first');
    await context.sleep(700);
    await context.send('second', 'second');`;
  const made = async () =>
    definition({
      services: [serviceDefinition('in', from, { to: ['steps'] })],
      processes: [processDefinition('steps', await code(nats.data, body))],
      operations: [operationDefinition('first', once), operationDefinition('second', twice)],
      rest: {
        settings: { ...definition({ services: [], operations: [] }).settings, shutdownTimeout: 10 },
      },
    });
  const running = await run(nats, await made());
  await vi.waitFor(() => from.deliver({ body: Buffer.from('x'), type: 'text/plain' }));
  await vi.waitFor(() => expect(once.sent).toHaveLength(1));
  await running.stop();
  expect(twice.sent).toHaveLength(0);
  await using _ = await run(nats, await made());
  await vi.waitFor(() => expect(twice.sent).toHaveLength(1), 5_000);
  expect(once.sent).toHaveLength(1);
});

test('a process that takes another path when it runs again is suspended', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const to = testOutbound();
  const made = async (target: string) =>
    definition({
      services: [serviceDefinition('in', from, { to: ['steps'] })],
      processes: [
        processDefinition(
          'steps',
          await code(
            nats.data,
            `await context.send('out', '${target}'); await context.sleep(60000);`,
          ),
        ),
      ],
      operations: [operationDefinition('out', to)],
      rest: {
        settings: { ...definition({ services: [], operations: [] }).settings, shutdownTimeout: 10 },
      },
    });
  const running = await run(nats, await made('one'));
  await vi.waitFor(() => from.deliver({ body: Buffer.from('x'), type: 'text/plain' }));
  await vi.waitFor(() => expect(to.sent).toHaveLength(1));
  await running.stop();
  await using again = await run(nats, await made('another'));
  await vi.waitFor(() =>
    expect(again.director.statuses().find(({ host }) => host === 'steps')?.lastError?.code).toBe(
      'PROCESS_DIVERGED',
    ),
  );
  expect(to.sent).toHaveLength(1);
});
