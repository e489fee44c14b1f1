import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { fileChecks } from '../../src/cli/checks.ts';
import { rehearsals } from '../../src/cli/rehearsals.ts';
import { spareThreads } from '../../src/cli/spare-threads.ts';
import { LOOKUP_FILES, LOOKUP_PRODUCTION } from '../support/bad-lookup.ts';
import { adt } from '../support/operator.ts';
import { type ProductionFolder, productionFolder } from '../support/production.ts';

const IN_CODE = LOOKUP_PRODUCTION.replace('to-ward: to-ward.yaml', 'to-ward: code.ts');
/** More than any machine needs. */
const LIMITS = { each: 60_000, reading: 60_000, idle: 60_000, megabytes: 512 };
const ENVIRONMENT = { LISTEN: '127.0.0.1:1', CONNECT: '127.0.0.1:2' };

let folder: ProductionFolder;
let begun = 0;
const count = (): void => {
  begun++;
};

beforeAll(async () => {
  folder = await productionFolder({
    'production.yaml': LOOKUP_PRODUCTION,
    ...LOOKUP_FILES,
    'code.ts': 'export default ({ document }) => document;\n',
  });
});
afterAll(async () => folder[Symbol.asyncDispose]());
beforeEach(() => {
  begun = 0;
  process.on('worker', count);
});
afterEach(() => {
  process.off('worker', count);
});

const untilEnd = <Stopped extends { stop(): Promise<void> }>(one: Stopped) => ({
  ...one,
  [Symbol.asyncDispose]: () => one.stop(),
});

test('checks after each other share a thread, until one has run code', async () => {
  await using checks = untilEnd(fileChecks());
  const check = (production: string) =>
    checks.check({
      folder: folder.path,
      before: new Map(),
      after: new Map([['production.yaml', Buffer.from(production)]]),
      tests: false,
      overlays: [],
      environment: ENVIRONMENT,
      loaded: new Map(),
    });
  const wrong = LOOKUP_PRODUCTION.replace('to: router', 'to: nowhere');
  expect((await check(LOOKUP_PRODUCTION)).problems).toEqual([]);
  expect((await check(wrong)).problems).toHaveLength(1);
  expect((await check(LOOKUP_PRODUCTION)).problems).toEqual([]);
  expect(begun).toBe(1);
  await check(IN_CODE);
  expect(begun).toBe(1);
  expect((await check(wrong)).problems).toHaveLength(1);
  expect(begun).toBe(2);
});

test('runs of a rehearsal after each other share a thread, each with the files of its own, until one has run code', async () => {
  await folder.write({ 'production.yaml': LOOKUP_PRODUCTION, ...LOOKUP_FILES });
  await using tried = untilEnd(
    rehearsals(
      () => ({
        folder: folder.path,
        overlays: [],
        environment: ENVIRONMENT,
        loaded: new Map(),
      }),
      LIMITS,
    ),
  );
  const take = async () => {
    const { version, sent } = await tried.rehearse(
      {
        service: 'hl7-in',
        at: Date.UTC(2026, 0, 1),
        type: 'HL7v2:ADT_A01:2.5.1',
        name: undefined,
        charset: undefined,
      },
      Buffer.from(adt('1')),
    );
    return { version, sent: sent.length };
  };
  const first = await take();
  await folder.write({ 'wards.csv': 'key,value\nW1,Medicine\n' });
  const second = await take();
  expect(second.version).not.toBe(first.version);
  expect(begun).toBe(1);
  await folder.write({ 'production.yaml': IN_CODE });
  await take();
  await folder.write({ 'production.yaml': LOOKUP_PRODUCTION });
  expect(await take()).toEqual(second);
  expect(begun).toBe(2);
});

test('a thread without work ends after a while, and at once when all do', async () => {
  const threads = spareThreads({ module: 'check-worker', megabytes: 64, kept: 50 });
  const idle = threads.take();
  const ended = once(idle, 'exit');
  await threads.giveBack(idle);
  await ended;
  expect(begun).toBe(1);
  const [one, other] = [threads.take(), threads.take()];
  const both = Promise.all([once(one, 'exit'), once(other, 'exit')]);
  await threads.giveBack(one);
  await threads.stop();
  await threads.giveBack(other);
  await both;
  expect(begun).toBe(3);
});
