import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { keyed } from '../../src/broker/keyed.ts';
import { endQueued } from '../../src/engine/end-queued.ts';
import { type MailOptions, mail, receivedOf, sweepMail } from '../../src/flow/mail.ts';
import {
  type Mailbox,
  mailPlace,
  withOffer,
  withoutMail,
  withWaiter,
} from '../../src/flow/mailbox.ts';
import { type Subject, subject } from '../../src/flow/subject.ts';
import { inlineBody } from '../../src/message/body.ts';
import { expressionOf } from '../support/expression-of.ts';
import { type GivenProduction, given, waitingIn } from '../support/given.ts';
import { startNats } from '../support/nats.ts';
import { traced } from '../support/traced.ts';

let nats: Awaited<ReturnType<typeof startNats>>;
let line: GivenProduction | undefined;

beforeAll(async () => {
  nats = await startNats();
});

/** The productions share a server: each test leaves nothing behind, and uses keys of its own. */
afterEach(async () => {
  await line?.stop();
  line = undefined;
});

afterAll(() => nats[Symbol.asyncDispose]());

/** `order:KEY` waits for `result:KEY …`, sends what it got to `out`, or that it got none. */
const ORDER = `
  const text = Buffer.from(await message.bytes()).toString();
  const [kind, key] = text.split(':');
  if (kind !== 'order') { await context.send('out', 'own ' + text); return; }
  const result = await context.receive({ key, timeout: TIMEOUT WHEN });
  const said = result === undefined ? 'none' : Buffer.from(await result.bytes()).toString();
  await context.send('out', key + ' got ' + said);
`;

interface Options {
  readonly timeout?: number;
  readonly keep?: number;
  readonly when?: string;
  readonly code?: string;
}

async function orders(options: Options = {}): Promise<GivenProduction> {
  const { timeout = 86_400_000, keep = 0, when, code = ORDER } = options;
  const file = join(nats.data, `orders-${Math.random()}.ts`);
  const body = code
    .replace('TIMEOUT', String(timeout))
    .replace('WHEN', when === undefined ? '' : `, when: ${JSON.stringify(when)}`);
  await writeFile(file, `export default async (message, context) => {${body}};\n`);
  line = await given({
    nats,
    to: ['orders'],
    processes: {
      orders: {
        code: file,
        run: 'queued',
        order: 'none',
        pool: 4,
        whileWaiting: 'release',
        receives: {
          key: expressionOf('body().startsWith("result:") ? body().split(":")[1] : ""'),
          keep,
        },
      },
    },
    operations: { out: { order: 'none', pool: 4 } },
  });
  return line;
}

const mailOf = async ({ engine }: GivenProduction, key: string): Promise<Mailbox | undefined> =>
  (await keyed(engine.broker).read<Mailbox>(mailPlace('orders', key))).value;

const endedOf = async (production: GivenProduction, id: number) =>
  (await production.outcomes()).find((one) => one.id === id && one.host === 'orders');

test('a message that is waited for is received and not worked on itself; the trace links both', async () => {
  const production = await orders();
  await using trace = await traced(nats, { folder: nats.data, production: 'test' });
  const order = await production.comes('order:A');
  await vi.waitFor(async () => expect(await waitingIn(production)).toBe(1));
  const other = await production.comes('result:B:1');
  const result = await production.comes('result:A:1');
  await vi.waitFor(() =>
    expect(production.arrived().toSorted()).toEqual(['A got result:A:1', 'own result:B:1']),
  );
  await vi.waitFor(async () => {
    const [of, from, alone] = await Promise.all(
      [order, result, other].map(async ({ sessionId }) =>
        (await trace.store.session(sessionId))?.messages.find(({ target }) => target === 'orders'),
      ),
    );
    expect(of).toMatchObject({ status: 'completed', receivedIds: [from?.id] });
    expect(from).toMatchObject({ status: 'completed', receivedBy: of?.id });
    expect([alone?.status, alone?.receivedBy]).toEqual(['completed', undefined]);
  });
  expect(await mailOf(production, 'A')).toBeUndefined();
  expect(await waitingIn(production)).toBe(0);
});

test('it waits on after a restart, and the next engine gives it what comes then', async () => {
  const first = await orders();
  await first.comes('order:R');
  await vi.waitFor(async () => expect(await waitingIn(first)).toBe(1));
  await first.stop();
  const production = await orders();
  await production.comes('result:R:1');
  await production.arrive(['R got result:R:1']);
});

test('two wait for one: the first gets it, and the other the next; what comes after them is on its own', async () => {
  const production = await orders();
  await production.comes('order:T');
  await vi.waitFor(async () => expect((await mailOf(production, 'T'))?.waiters).toHaveLength(1));
  await production.comes('order:T');
  await vi.waitFor(async () => expect((await mailOf(production, 'T'))?.waiters).toHaveLength(2));
  await production.comes('result:T:1');
  await vi.waitFor(() => expect(production.arrived()).toEqual(['T got result:T:1']));
  await production.comes('result:T:2');
  await vi.waitFor(() => expect(production.arrived()).toContain('T got result:T:2'));
  await production.comes('result:T:3');
  await vi.waitFor(() => expect(production.arrived()).toContain('own result:T:3'));
  expect(production.arrived()).toHaveLength(3);
});

test('what comes before anybody waits is kept for a while, then worked on itself', async () => {
  const production = await orders({ keep: 86_400_000 });
  await production.come('result:E:1');
  await vi.waitFor(async () => expect((await mailOf(production, 'E'))?.early).toHaveLength(1));
  await production.come('order:E');
  await production.arrive(['E got result:E:1']);
  await production.stop();
  const short = await orders({ keep: 300 });
  await short.come('result:S:1');
  await short.arrive(['own result:S:1']);
  await short.come('order:S');
  await vi.waitFor(async () => expect(await mailOf(short, 'S')).toMatchObject({ early: [] }));
});

test('only what fits the condition is received; one that is no expression suspends', async () => {
  const production = await orders({ when: 'body().endsWith("final")' });
  await production.comes('order:C');
  await vi.waitFor(async () => expect((await mailOf(production, 'C'))?.waiters).toHaveLength(1));
  await production.comes('result:C:first');
  await vi.waitFor(() => expect(production.arrived()).toEqual(['own result:C:first']));
  await production.comes('result:C:final');
  await vi.waitFor(() => expect(production.arrived()).toContain('C got result:C:final'));
  await production.stop();
  const wrong = await orders({ when: 'fieldd("x")' });
  const { messageId } = await wrong.comes('order:W');
  await vi.waitFor(async () =>
    expect(await endedOf(wrong, messageId)).toMatchObject({
      status: 'suspended',
      error: { code: 'PROCESS_FAILED', text: expect.stringMatching(/when of context.receive/) },
    }),
  );
});

test('a time that is over is told once, and what comes later is on its own', async () => {
  const production = await orders({ timeout: 400 });
  await production.comes('order:L');
  await production.arrive(['L got none']);
  await vi.waitFor(async () => expect(await mailOf(production, 'L')).toBeUndefined());
  await production.comes('result:L:1');
  await production.arrive(['L got none', 'own result:L:1']);
});

test('one that a person ended receives nothing any more', async () => {
  const production = await orders();
  const { messageId: id } = await production.comes('order:P');
  await vi.waitFor(async () => expect(await waitingIn(production)).toBe(1));
  await endQueued(production.engine, production.director, {
    message: { id, target: 'orders' },
    status: 'discarded',
    by: 'anna',
    reason: 'not needed',
  });
  await production.comes('result:P:1');
  await production.arrive(['own result:P:1']);
});

test('one that ends without reading waits no longer, and one that fails neither', async () => {
  const production = await orders({
    code: `
      const [kind, key] = Buffer.from(await message.bytes()).toString().split(':');
      if (kind === 'order') {
        const waits = context.receive({ key, timeout: 86_400_000 });
        await Promise.race([waits, context.sleep(200)]);
        if (key === 'X') throw new Error('failed');
      }
      await context.send('out', kind + ' ' + key);`,
  });
  await production.comes('order:N');
  await production.arrive(['order N']);
  const { messageId } = await production.comes('order:X');
  await vi.waitFor(async () =>
    expect(await endedOf(production, messageId)).toMatchObject({ status: 'suspended' }),
  );
  await vi.waitFor(async () => {
    expect(await mailOf(production, 'N')).toBeUndefined();
    expect(await mailOf(production, 'X')).toBeUndefined();
  });
  await production.come('result:N:1', 'result:X:1');
  await vi.waitFor(() =>
    expect(production.arrived().toSorted()).toEqual(['order N', 'result N', 'result X']),
  );
});

test('a large message is received whole', async () => {
  const production = await orders({
    code: `
      const text = Buffer.from(await message.bytes()).toString();
      const [kind, key] = text.split(':', 2);
      if (kind !== 'order') return context.send('out', 'own');
      const result = await context.receive({ key, timeout: 86_400_000 });
      await context.sleep(100);
      const { length } = await result.bytes();
      await context.send('out', length + ' ' + result.type + ' ' + result.source);`,
  });
  await production.comes('order:G');
  await vi.waitFor(async () => expect(await waitingIn(production)).toBe(1));
  const body = Buffer.concat([Buffer.from('result:G:'), Buffer.alloc(3_000_000, 'x')]);
  await production.comes({ body, type: 'text/plain' });
  await production.arrive([`${body.length} text/plain in`]);
});

test('a process that names no key cannot receive, and says so', async () => {
  const file = join(nats.data, 'none.ts');
  await writeFile(
    file,
    `export default (message, context) => context.receive({ key: 'a', timeout: 1 });\n`,
  );
  line = await given({
    nats,
    to: ['alone'],
    processes: { alone: { code: file, run: 'queued', order: 'none', whileWaiting: 'release' } },
  });
  const { messageId } = await line.comes('x');
  await vi.waitFor(async () =>
    expect((await line?.outcomes())?.find(({ id }) => id === messageId)).toMatchObject({
      status: 'suspended',
      error: { text: expect.stringMatching(/write receives: \{ key: … \}/) },
    }),
  );
});

const killed = (): Promise<never> => Promise.reject(new Error('killed'));

/** The mail of a process whose engine dies at some step. */
async function dying() {
  const production = await orders({ keep: 0 });
  const { steps, waiting, answers, keyed: entries } = production.engine;
  const parts: MailOptions = {
    name: 'orders',
    receiving: { key: expressionOf('"K"'), keep: 0 },
    keyed: entries,
    waiting,
    steps,
    answers,
    compile: () => {
      throw new Error('not used');
    },
  };
  const wait = (step: string) =>
    mail(parts).wait('K', { message: 1, step, when: undefined, until: Date.now() + 60_000 });
  const stored = async (step: string): Promise<number | undefined> => {
    const kept = await steps.kept(steps.answerAddress(`${step}.answer`));
    return kept === undefined ? undefined : receivedOf(await answers.read(kept))?.message.id;
  };
  return { parts, wait, stored };
}

const arrived = (id: number): Subject =>
  subject(
    {
      id,
      sessionId: id,
      source: 'in',
      target: 'orders',
      type: 'text/plain',
      created: 0,
      received: 0,
      size: 1,
    },
    inlineBody(Buffer.from('x')),
  );

test('an engine that dies at any step of giving gives it once, to the same one', async () => {
  const { parts, wait, stored } = await dying();
  const { steps, answers, keyed: entries } = parts;
  let forgotten = 0;
  const deaths: Readonly<Record<string, Partial<MailOptions>>> = {
    'before it is stored': { answers: { ...answers, give: killed } },
    'before it is decided': { steps: { ...steps, write: killed } },
    'before it is forgotten': {
      keyed: {
        ...entries,
        replace: (place, before, value) =>
          forgotten++ === 0 ? entries.replace(place, before, value) : killed(),
      },
    },
  };
  for (const [index, [, death]] of Object.entries(deaths).entries()) {
    const [first, second, step] = [1_000 + index, 2_000 + index, `${900 + index}.0`];
    await wait(step);
    await expect(mail({ ...parts, ...death }).offer(arrived(first))).rejects.toThrow('killed');
    // another one that comes meanwhile gets nothing of it
    expect(await mail(parts).offer(arrived(second))).toBeUndefined();
    expect(await mail(parts).offer(arrived(first))).toMatchObject({ receivedBy: 1 });
    expect(await mail(parts).offer(arrived(first))).toMatchObject({ receivedBy: 1 });
    expect(await stored(step)).toBe(first);
    expect((await entries.read(mailPlace('orders', 'K'))).value).toBeUndefined();
  }
});

test('one that waits again although it has received something is not given another', async () => {
  const { parts, wait, stored } = await dying();
  await wait('950.0');
  expect(await mail(parts).offer(arrived(3_001))).toMatchObject({ receivedBy: 1 });
  await wait('950.0');
  await wait('951.0');
  expect(await mail(parts).offer(arrived(3_002))).toMatchObject({ receivedBy: 1 });
  expect([await stored('950.0'), await stored('951.0')]).toEqual([3_001, 3_002]);
  expect(await mail(parts).offer(arrived(3_003))).toBeUndefined();
});

test('those who never stopped waiting are removed after a day', async () => {
  const { parts } = await dying();
  const day = 86_400_000;
  const late = (step: string, age: number) =>
    mail(parts).wait('Z', { message: 1, step, when: undefined, until: Date.now() - age });
  await late('960.0', day / 2);
  await late('961.0', day + 60_000);
  await sweepMail(parts.keyed);
  const { value } = await parts.keyed.read<Mailbox>(mailPlace('orders', 'Z'));
  expect(value?.waiters.map(({ step }) => step)).toEqual(['960.0']);
});

const EMPTY: Mailbox = { waiters: [], given: [], early: [] };
const waiter = (step: string, until = 100) => ({ message: 1, step, when: undefined, until });
const offer = (id: number, now = 0, keep = 0) => ({ id, now, keep, fits: () => true });

test('a message is given once, to whoever waits longest and whose time is not over', () => {
  const two = withWaiter(withWaiter(EMPTY, waiter('a', 10)), waiter('b'));
  expect(withWaiter(two, waiter('a'))).toBe(two);
  const handed = withOffer(two, offer(7, 50));
  expect(handed).toMatchObject({ given: [{ id: 7, step: 'b' }], waiters: [{ step: 'a' }] });
  expect(withOffer(handed, offer(7, 50))).toBe(handed);
  // it has been given something, so it does not wait again
  expect(withWaiter(handed, waiter('b'))).toBe(handed);
  expect(withOffer(EMPTY, offer(7))).toBe(EMPTY);
  const early = withOffer(EMPTY, offer(7, 0, 20));
  expect(withOffer(early, offer(7, 10, 20))).toBe(early);
  expect(withOffer(early, offer(7, 20, 20)).early).toEqual([]);
  expect(withoutMail(early, { waiter: () => true })).toBe(early);
});

test('two engines give each message to one, whichever of them has it', async () => {
  const first = await orders({ keep: 86_400_000 });
  const second = await orders({ keep: 86_400_000 });
  const keys = Array.from({ length: 12 }, (_, n) => `two${n}`);
  const engines = [first, second];
  const come = (text: string, n: number) => (n % 2 === 0 ? first : second).comes(text);
  await Promise.all(
    keys.flatMap((key, n) => [come(`order:${key}`, n), come(`result:${key}:1`, n + 1)]),
  );
  const sent = (): string[] => engines.flatMap((one) => one.arrived()).toSorted();
  await vi.waitFor(() =>
    expect(sent()).toEqual(keys.map((key) => `${key} got result:${key}:1`).toSorted()),
  );
  await first.stop();
});
