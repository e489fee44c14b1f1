import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { MessagePage } from '../../src/api/contract/message.ts';
import {
  abortCommand,
  replayCommand,
  reprocessCommand,
  resendCommand,
} from '../../src/cli/command/resend.ts';
import { ordered } from '../../src/cli/order.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { type Ran, ran } from '../support/command.ts';
import { type Operated, operated } from '../support/operator.ts';

let production: Operated;
let refused: (controlId: string) => boolean = () => true;
let orders = 0;

beforeAll(async () => {
  production = await operated({ answer: ({ controlId }) => (refused(controlId) ? 'AE' : 'AA') });
  for (let n = 1; n <= 3; n++) await production.send(`C${n}`);
  await vi.waitFor(async () => {
    if ((await suspended()).length < 3) throw new Error('not all of them have failed yet');
  }, 20_000);
});
afterAll(async () => production[Symbol.asyncDispose]());

async function suspended(): Promise<MessagePage['items']> {
  const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
    status: ['suspended'],
  });
  return body.items;
}

const where = (): string[] => ['--data', join(production.folder.path, 'data')];
const replay = (...more: string[]): Promise<Ran> =>
  ran(replayCommand(), ['hl7-out', '--from', '1h', ...more, ...where()]);

test('resend says what became of the new message, and exits with 1 where it was refused again', async () => {
  refused = () => true;
  const id = `${(await suspended())[0]?.id}`;
  const again = await ran(resendCommand(), [id, ...where()]);
  expect(again.output).toMatch(/^resent \d+ as message \d+ \(session \d+\): 1 refused again\n/);
  expect(again.output).toMatch(/ 1 +hl7-out +REPLY_UNEXPECTED the peer answered AE/);
  expect(again.code).toBe(1);
  refused = () => false;
  const good = await ran(resendCommand(), [`${(await suspended())[0]?.id}`, ...where()]);
  expect(good.output).toMatch(/: 1 delivered\n$/);
  expect(good.code).toBe(0);
});

interface Sent {
  readonly sessionId: number;
}
interface Queued {
  readonly items: readonly unknown[];
}

/** What a test before has left waiting is sent. */
async function sentAll(): Promise<void> {
  await production.ask('POST', '/api/v1/hosts/hl7-out/start', { reason: 'test' });
  await vi.waitFor(async () => {
    const { body } = await production.ask<Queued>('GET', '/api/v1/queues/hl7-out/messages');
    expect(body.items).toEqual([]);
  });
}

const nobody = () => Promise.reject(new EngineError('BROKER_UNAVAILABLE', 'nobody answers'));

test('where no answer comes, it says under which name it may be given again', async () => {
  await expect(ordered('mine', ['resend', 1], nobody)).rejects.toMatchObject({
    code: 'BROKER_UNAVAILABLE',
    message: expect.stringContaining('again with --order mine, and'),
  });
  await expect(ordered(undefined, [], nobody)).rejects.toThrow(/--order [\da-f-]{36}, /);
  const [first, same, other] = await Promise.all(
    [
      ['mine', 1],
      ['mine', 1],
      ['mine', 2],
    ].map(([name, id]) => ordered(`${name}`, [id], (order) => Promise.resolve(order))),
  );
  expect(same).toBe(first);
  expect(other).not.toBe(first);
});

test('replay gathers what was refused by cause; what waits is said to be under way', async () => {
  await sentAll();
  refused = (controlId) => controlId !== 'C1';
  const some = await replay();
  expect(some.output).toMatch(
    /^replayed \d+ messages of hl7-out: \d+ delivered, \d+ refused again\n/,
  );
  expect(some.code).toBe(1);
  await production.ask('POST', '/api/v1/hosts/hl7-out/stop', { reason: 'test' });
  const waits = await replay('--wait', '1s');
  expect(waits.output).toMatch(/: \d+ still under way after 1s\n +\d+ +queued at hl7-out\n$/);
  expect(waits.code).toBe(2);
  const queued = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
    status: ['queued'],
  });
  const once = [`${queued.body.items[0]?.id}`, '--wait', '0s', ...where()];
  const doubled = await ran(resendCommand(), once);
  expect(doubled.output).toMatch(/\n +\d+ itself still waits for hl7-out, and is sent from its/);
  const unwatched = await replay('--wait', '0s');
  expect(unwatched.output).toMatch(/^replayed \d+ messages of hl7-out\n$/);
  expect(unwatched.code).toBe(0);
});

test('an order that is given again under its name is carried out once, by whichever command', async () => {
  refused = () => false;
  await sentAll();
  const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
    status: ['completed'],
    target: 'hl7-out',
  });
  const id = `${body.items[0]?.id}`;
  const before = production.receiver.received.length;
  const order = `one${++orders}`;
  const twice = async (command: () => Parameters<typeof ran>[0], ...words: string[]) => {
    const first = await ran(command(), [...words, '--order', order, '--json', ...where()]);
    const second = await ran(command(), [...words, '--order', order, '--json', ...where()]);
    return [first, second].map(({ output }) => JSON.parse(output) as Sent | Sent[]);
  };
  for (const command of [resendCommand, reprocessCommand]) {
    const [first, second] = await twice(command, id);
    expect(second).toEqual(first);
  }
  expect(production.receiver.received).toHaveLength(before + 2);
  // a time that is the same for both: what the first has made is not in it
  const to = new Date().toISOString();
  const [all, again] = await twice(replayCommand, 'hl7-out', '--from', '1h', '--to', to);
  expect(again).toEqual(all);
  const replayed = [all ?? []].flat().length;
  expect(replayed).toBeGreaterThan(2);
  expect(production.receiver.received).toHaveLength(before + 2 + replayed);
  // without a name, each is an order of its own
  await ran(resendCommand(), [id, ...where()]);
  await ran(resendCommand(), [id, ...where()]);
  expect(production.receiver.received).toHaveLength(before + 4 + replayed);
});

test('abort ends a suspended message, once', async () => {
  refused = () => true;
  await production.send(`D${Date.now()}`);
  const id = await vi.waitFor(async () => {
    const [one] = await suspended();
    if (one === undefined) throw new Error('none is suspended');
    return one.id;
  });
  const abort = (): Promise<Ran> => ran(abortCommand(), [`${id}`, '--reason', 'old', ...where()]);
  expect((await abort()).output).toBe(`message ${id} will not go to hl7-out: discarded\n`);
  await vi.waitFor(async () => expect((await suspended()).map((one) => one.id)).not.toContain(id));
  expect(await abort()).toMatchObject({ code: 1, errors: expect.stringContaining('is discarded') });
});
