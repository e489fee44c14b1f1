import { expect, test, vi } from 'vitest';
import { RejectedError, SuspendError, TemporaryError } from '../../src/error/adapter-error.ts';
import type { Message } from '../../src/message/message.ts';
import { given, textOf } from '../support/given.ts';
import { startNats } from '../support/nats.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { hl7 } from '../support/trace-sample.ts';
import { traced } from '../support/traced.ts';

const search = new Map([
  ['mrn', 'PID-3.1'],
  ['visit', 'PV1-19.1'],
]);
const adt = (control: string, mrn: string) => ({
  body: Buffer.from(hl7(control, mrn)),
  type: 'HL7v2:ADT_A01:2.5.1',
  dedupeKey: control,
});

test('what flows appears in the trace, completed, with its reply, and is found by its search fields', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('traced');
  await using line = await given({
    nats,
    operations: {
      ward: {
        answer: () => ({
          body: Buffer.from('MSH|^~\\&|WARD\rMSA|AA|C1\r'),
          type: 'HL7v2:ACK:2.5.1',
          code: 'AA',
        }),
      },
    },
  });
  await using trace = await traced(nats, { folder: folder.path, production: 'test', search });
  const { messageId, sessionId } = await line.comes(adt('C1', 'M77'));
  const session = await vi.waitFor(async () => {
    const found = await trace.store.session(sessionId);
    expect(found?.messages.at(-1)?.status).toBe('completed');
    return found;
  });
  expect(session?.messages).toMatchObject([
    {
      id: messageId,
      source: 'in',
      target: 'ward',
      attempts: 1,
      reply: { code: 'AA', hasBody: true },
    },
  ]);
  expect(Buffer.from((await trace.store.body(messageId))?.bytes ?? []).toString()).toBe(
    hl7('C1', 'M77'),
  );
  for (const pasted of ['M77', 'c1', 'V100', String(messageId)]) {
    expect(await trace.store.quickFind(pasted)).toContainEqual(
      expect.objectContaining({ sessionId }),
    );
  }
  await vi.waitFor(async () => expect(await trace.projector.lag()).toBe(0));
});

test('retries, refusals and suspensions are told with their errors', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('traced');
  const failures = new Map([
    ['retried', [new TemporaryError('busy'), new TemporaryError('still busy')]],
    ['refused', [new RejectedError('unknown patient')]],
    ['suspended', [new SuspendError('look at this')]],
  ]);
  const answer = (message: Message): undefined => {
    const failure = failures.get(textOf(message))?.shift();
    if (failure !== undefined) throw failure;
  };
  await using line = await given({ nats, operations: { out: { answer } } });
  await using trace = await traced(nats, { folder: folder.path, production: 'test' });
  const retried = await line.comes('retried');
  const refused = await line.comes('refused');
  const suspended = await line.comes('suspended');
  await vi.waitFor(async () => {
    expect((await trace.store.message(suspended.messageId))?.status).toBe('suspended');
  });
  const session = await trace.store.session(retried.sessionId);
  expect(session?.messages).toMatchObject([{ status: 'completed', error: undefined }]);
  expect(session?.attempts).toMatchObject([
    { attempt: 1, error: { text: 'busy' } },
    { attempt: 2, error: { text: 'still busy' } },
  ]);
  expect(await trace.store.message(refused.messageId)).toMatchObject({
    status: 'error',
    error: { code: 'ADAPTER_REJECTED', text: 'unknown patient' },
  });
  expect(await trace.store.events({ hosts: ['out'] })).toContainEqual(
    expect.objectContaining({ event: 'host-started' }),
  );
});

test.for([
  ['CR', '\r'],
  ['LF', '\n'],
] as const)(
  'a large body with segments that end with %s is traced by its reference, and its patient is found',
  async ([, end]) => {
    await using nats = await startNats();
    await using folder = await temporaryFolder('traced');
    await using line = await given({ nats });
    await using trace = await traced(nats, { folder: folder.path, production: 'test', search });
    const note = `NTE|1||${'x'.repeat(1_000)}\r`.repeat(600);
    const whole = (hl7('C9', 'LARGE') + note).replaceAll('\r', end);
    const large = { ...adt('C9', 'LARGE'), body: Buffer.from(whole) };
    const { messageId } = await line.comes(large);
    await vi.waitFor(async () => {
      expect((await trace.store.message(messageId))?.status).toBe('completed');
    });
    expect(await trace.store.body(messageId)).toMatchObject({
      size: large.body.byteLength,
      ref: expect.stringMatching(/^b\d+\.\d+$/),
    });
    expect(await trace.store.quickFind('large')).toMatchObject([{ field: 'mrn' }]);
  },
);

test('a projector that was away catches up, and nothing is shown twice', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('traced');
  await using line = await given({ nats });
  const options = { folder: folder.path, production: 'test' };
  const completed = async (count: number): Promise<void> => {
    await using trace = await traced(nats, options);
    await vi.waitFor(async () => {
      const { items } = await trace.store.find({ status: ['completed'], limit: 1_000 });
      expect(items).toHaveLength(count);
    });
    await vi.waitFor(async () => expect(await trace.projector.lag()).toBe(0));
    const now = Date.now();
    const rows = await trace.store.statistics({ from: now - 60_000, to: now, step: 60_000 });
    const sum = rows.filter(({ host }) => host === 'out').reduce((all, row) => all + row.out, 0);
    expect(sum).toBe(count);
  };
  for (let n = 0; n < 30; n++) await line.come(`first ${n}`);
  await completed(30);
  for (let n = 0; n < 20; n++) await line.come(`away ${n}`);
  await completed(50);
});
