import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { MessagePage } from '../../src/api/contract/message.ts';
import { replayCommand, resendCommand } from '../../src/cli/command/resend.ts';
import { type Ran, ran } from '../support/command.ts';
import { type Operated, operated } from '../support/operator.ts';

let production: Operated;
let refused: (controlId: string) => boolean = () => true;

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

test('replay gathers what was refused by cause; what waits is said to be under way', async () => {
  refused = (controlId) => controlId !== 'C1';
  const some = await replay();
  expect(some.output).toMatch(/^replayed \d messages of hl7-out: \d delivered, \d refused again\n/);
  expect(some.code).toBe(1);
  await production.ask('POST', '/api/v1/hosts/hl7-out/stop', { reason: 'test' });
  const waits = await replay('--wait', '1s');
  expect(waits.output).toMatch(/: \d still under way after 1s\n +\d +queued at hl7-out\n$/);
  expect(waits.code).toBe(2);
  const unwatched = await replay('--wait', '0s');
  expect(unwatched.output).toMatch(/^replayed \d+ messages of hl7-out\n$/);
  expect(unwatched.code).toBe(0);
});
