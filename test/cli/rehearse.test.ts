import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Failures } from '../../src/api/contract/message.ts';
import { rehearseCommand } from '../../src/cli/command/rehearse.ts';
import { replayCommand } from '../../src/cli/command/resend.ts';
import {
  BAD_TABLE,
  GOOD_TABLE,
  LOOKUP_FILES,
  LOOKUP_PRODUCTION,
  refusesUnknown,
} from '../support/bad-lookup.ts';
import { type Ran, ran } from '../support/command.ts';
import { type Operated, operated } from '../support/operator.ts';

let production: Operated;
beforeAll(async () => {
  production = await operated({
    production: LOOKUP_PRODUCTION,
    files: LOOKUP_FILES,
    answer: refusesUnknown,
  });
  for (let n = 0; n < 3; n++) await production.send(`C${n}`);
  await vi.waitFor(async () => {
    const { body } = await production.ask<Failures>('GET', '/api/v1/failures');
    if (body.groups[0]?.count !== 3) throw new Error('not all of them are refused');
  }, 20_000);
});
afterAll(async () => production[Symbol.asyncDispose]());

const where = (): string[] => ['--data', join(production.folder.path, 'data')];
const rehearse = (...words: string[]): Promise<Ran> =>
  ran(rehearseCommand(), [...words, ...where()]);

test('what would be refused again is told, with where it is decided, and is no good end', async () => {
  await production.folder.write({ 'wards.csv': BAD_TABLE });
  const { output, code } = await rehearse();
  expect(output.split('\n')).toEqual([
    'tried 3 messages with the files; nothing was sent',
    '  3  would go to hl7-out; their target would get the same again as it got',
    'decided in',
    '  production.yaml:19  rule everything',
    '  to-ward.yaml:4  transform to-ward',
    '  wards.csv:1  lookup wards',
    '',
  ]);
  expect(code).toBe(1);
});

test('once the files are mended all is well, also for a replay; nothing was sent', async () => {
  await production.folder.write({ 'wards.csv': GOOD_TABLE });
  const before = production.receiver.received.length;
  const { output, code } = await rehearse('status=suspended', 'target=hl7-out', '--limit', '2');
  expect(output).toContain('tried 2 messages with the files; more fit than --limit 2');
  expect(output).toContain('2  would go to hl7-out; their target would get something else');
  expect(code).toBe(0);
  const all = await ran(replayCommand(), [
    'hl7-out',
    '--from',
    '1h',
    '--dry-run',
    '--json',
    ...where(),
  ]);
  expect(JSON.parse(all.output)).toMatchObject({
    tried: 3,
    complete: true,
    groups: [{ kind: 'goes', own: 'changed', count: 3 }],
  });
  expect(production.receiver.received).toHaveLength(before);
});

test('what cannot be asked is refused in words', async () => {
  expect(await rehearse('--limit', 'x')).toMatchObject({
    code: 1,
    errors: 'QUERY_INVALID: --limit x is no number of messages\n',
  });
  expect((await rehearse('nonsense=1')).errors).toContain('neither a criterion');
  expect((await rehearse('target=nowhere')).output).toContain('no message matches');
});
