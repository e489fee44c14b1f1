import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import pop3In from '../../../adapters/pop3/pop3-in.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { cuttingProxy, type Direction } from '../../support/cutting-proxy.ts';
import { killedAgainAndAgain } from '../../support/killed-service.ts';
import { mailWith } from '../../support/mailbox.ts';
import { openResources } from '../../support/nothing-open.ts';
import { type OpenedInbound, openInbound, testSteps } from '../../support/open-adapter.ts';
import { hasPop3, type Pop3Lab, type PopBox, pop3Lab } from '../../support/pop3-lab.ts';

const plain = (text: string): Promise<Buffer> =>
  mailWith({ messageId: `<${text}@lab.example>`, text });

const empty = (box: PopBox): Promise<void> =>
  vi.waitFor(async () => expect(await box.look()).toEqual([]), { timeout: 15_000 });

const user = 'box0@lab.example';

const password = (): Credential => ({ kind: 'basic', user, password: 'box-secret' });

/** A token of these lifetimes, in seconds: the next one each time that a fresh one is wanted. */
const token =
  (...lifetimes: number[]) =>
  ({ server }: Pop3Lab): Credential => {
    let at = 0;
    return {
      kind: 'oauth2',
      user,
      token: (_signal, { fresh = false } = {}) => {
        if (fresh) at += 1;
        return server.token(user, lifetimes[at] ?? -600);
      },
    };
  };

describe.runIf(await hasPop3())('pop3-in', () => {
  let lab: Pop3Lab;
  beforeAll(async () => {
    lab = await pop3Lab();
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  /** Takes two mails over a connection that may break, and then over a good one. */
  async function takenOver(direction: Direction, after: number): Promise<readonly string[]> {
    const box = await lab.box();
    await box.put(await plain('a'), await plain('b'));
    await using proxy = await cuttingProxy(lab.server.ports.pop3s);
    proxy.cutNext(direction, after);
    const settings = { connect: `localhost:${proxy.port}`, take: 'text', connectTimeout: '2s' };
    const first = await lab.open(box, settings).catch(() => undefined);
    await vi.waitFor(async () => {
      const isOver =
        first === undefined || first.lost.length > 0 || (await box.look()).length === 0;
      expect(isOver).toBe(true);
    });
    await first?.close();
    await using second = await lab.open(box, { take: 'text' }, first?.memory);
    await empty(box);
    const all = [...(first?.delivered ?? []), ...second.delivered];
    return all.map(({ body }) => body.toString().trim());
  }

  test.for<Direction>(['toServer', 'toClient'])(
    'a connection that breaks at any point %s loses no mail, takes none twice, and leaves nothing open',
    async (direction) => {
      const box = await lab.box();
      await box.put(await plain('a'), await plain('b'));
      await using whole = await cuttingProxy(lab.server.ports.pop3s);
      await using clean = await lab.open(box, { connect: `localhost:${whole.port}`, every: '10m' });
      await empty(box);
      await clean.close();
      const { length } = whole.passed(direction);
      const resources = openResources();
      for (let step = 0; step < 8; step++) {
        const after = Math.floor((length * step) / 8);
        const texts = await takenOver(direction, after);
        expect(texts, `cut ${direction} after ${after} of ${length}`).toEqual(['a', 'b']);
      }
      await resources.expectNothingNew();
    },
  );

  test.for([
    ['attachments', 1_000_000],
    ['mail', 1_300_000],
  ] as const)(
    'a large mail that breaks off is not delivered in part as %s',
    async ([take, size]) => {
      const box = await lab.box();
      const large = Buffer.alloc(1_000_000, 'abcdefghij');
      await box.put(await mailWith({ attachments: [{ filename: 'l.bin', content: large }] }));
      await using proxy = await cuttingProxy(lab.server.ports.pop3s);
      proxy.cutNext('toClient', 500_000);
      const first = await lab.open(box, { connect: `localhost:${proxy.port}`, take });
      await vi.waitFor(() => expect(first.lost).toHaveLength(1));
      expect(first.lost[0]).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
      expect(first.delivered).toEqual([]);
      await first.close();
      await using second = await lab.open(box, { take }, first.memory);
      await empty(box);
      expect(second.delivered).toHaveLength(1);
      expect(second.delivered[0]?.body.length).toBeGreaterThanOrEqual(size);
    },
  );

  /** A service whose network hangs once it has looked at the mailbox, and that waits so long for an answer. */
  async function hanging(timeout: string): Promise<OpenedInbound & AsyncDisposable> {
    const box = await lab.box();
    await box.put(await plain('a'));
    const proxy = await cuttingProxy(lab.server.ports.pop3s);
    const to = {
      connect: `localhost:${proxy.port}`,
      timeout,
      connectTimeout: timeout,
      every: '10ms',
    };
    const opened = await lab.open(box, { ...to, afterwards: 'keep' });
    await vi.waitFor(() => expect(proxy.connections).toBeGreaterThan(1));
    proxy.freeze();
    return Object.assign(opened, {
      async [Symbol.asyncDispose]() {
        await opened.close();
        await proxy[Symbol.asyncDispose]();
      },
    });
  }

  test('a server that falls silent is found out', async () => {
    await using opened = await hanging('1s');
    await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
    expect(opened.lost[0]).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
  });

  test('a stop does not wait for a server that has fallen silent', async () => {
    await using opened = await hanging('1m');
    const begin = performance.now();
    await opened.close();
    expect(performance.now() - begin).toBeLessThan(20_000);
    expect(opened.lost).toEqual([]);
  });

  test('an engine that stops between two attachments goes on with the second', async () => {
    const box = await lab.box();
    const attachments = ['one', 'two', 'three'].map((name) => ({
      filename: `${name}.txt`,
      content: name,
    }));
    await box.put(await mailWith({ attachments }));
    const first = await lab.open(box);
    first.hold();
    await vi.waitFor(() => expect(first.waiting).toBe(1));
    first.release();
    first.hold();
    await vi.waitFor(() => expect([first.delivered.length, first.waiting]).toEqual([1, 1]));
    first.refuse();
    first.release();
    await vi.waitFor(() => expect(first.events.at(-1)).toMatchObject({ name: 'mail-waits' }));
    await first.close();
    await using second = await lab.open(box, {}, first.memory);
    await empty(box);
    const names = [...first.delivered, ...second.delivered].map(({ name }) => name);
    expect(names).toEqual(['one.txt', 'two.txt', 'three.txt']);
  });

  test('mails that stay are taken once, also after the server has renamed them all', async () => {
    const box = await lab.box();
    await box.put(await plain('a'), await plain('b'));
    const keep = { afterwards: 'keep', take: 'text' };
    const first = await lab.open(box, keep);
    await vi.waitFor(() => expect(first.delivered).toHaveLength(2));
    await first.close();
    await box.rename();
    await box.put(await plain('c'));
    await using second = await lab.open(box, keep, first.memory);
    await vi.waitFor(() => expect(second.delivered).toHaveLength(1));
    expect(second.delivered[0]?.body.toString().trim()).toBe('c');
    expect(second.events.map(({ name }) => name)).toContain('renamed');
    expect(await box.look()).toHaveLength(3);
  });

  test.for([
    { afterwards: 'delete', left: 0, mailsAtOnce: 100 },
    { afterwards: 'keep', left: 500, mailsAtOnce: 100_000 },
  ])('500 mails, $afterwards', async ({ afterwards, left, mailsAtOnce }) => {
    const box = await lab.box();
    const mails = Array.from({ length: 500 }, (_, n) =>
      Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s\r\n\r\n${n}\r\n`),
    );
    await box.put(...mails);
    await using opened = await lab.open(box, { afterwards, take: 'mail', mailsAtOnce });
    await vi.waitFor(() => expect(opened.delivered).toHaveLength(500), { timeout: 30_000 });
    expect(opened.delivered.every(({ body }, n) => mails[n]?.equals(body))).toBe(true);
    await vi.waitFor(async () => expect(await box.look()).toHaveLength(left));
    expect(opened.lost).toEqual([]);
  });

  test('killed again and again: loses no mail, and repeats at most one message a kill', async () => {
    const box = await lab.box();
    const names = Array.from({ length: 30 }, (_, mail) =>
      (mail % 5 === 4 ? ['a', 'b', 'c'] : ['a']).map((part) => `m${mail}-${part}.txt`),
    );
    const coming = names.values();
    const expected = names.flat();
    const delivered = await killedAgainAndAgain(lab.order(box), {
      seed: 43,
      kills: 2,
      expected,
      left: () => box.look(),
      async put() {
        const { value = [] } = coming.next();
        const attachments = value.map((filename) => ({ filename, content: `in ${filename}` }));
        if (value.length > 0) await box.put(await mailWith({ attachments }));
        return value.length;
      },
    });
    expect(delivered.map(({ body }) => body)).toEqual(expected.map((name) => `in ${name}`));
  });

  describe('signs in', () => {
    test.for([
      { mechanism: 'auto', security: 'tls', credential: password, used: 'PLAIN' },
      { mechanism: 'USER', security: 'tls', credential: password, used: 'USER' },
      { mechanism: 'PLAIN', security: 'starttls', credential: password, used: 'PLAIN' },
      { mechanism: 'auto', security: 'tls', credential: token(600), used: 'OAUTHBEARER' },
      { mechanism: 'XOAUTH2', security: 'starttls', credential: token(600), used: 'XOAUTH2' },
      {
        mechanism: 'XOAUTH2',
        security: 'tls',
        credential: token(-600, 600),
        used: 'XOAUTH2',
      },
    ])(
      'with $mechanism over $security: $used',
      async ({ mechanism, security, credential, used }) => {
        const { ports, trust } = lab.server;
        const port = security === 'tls' ? ports.pop3s : ports.pop3;
        const to = { connect: `localhost:${port}`, security, tls: { trust } };
        const given = { ...to, credential: 'mailbox', mechanism };
        const credentials = { mailbox: credential(lab) };
        const steps = await testSteps(pop3In, given, { credentials });
        expect(steps.filter(({ result }) => result !== 'passed')).toEqual([]);
        const names = steps.map(({ name }) => name).filter((name) => name !== 'token');
        expect(names).toEqual(['name', 'TCP', 'TLS', 'sign-in', 'mailbox']);
        const renewed = { mailbox: credential(lab) };
        await using opened = await openInbound(pop3In, given, { credentials: renewed });
        await vi.waitFor(() =>
          expect(opened.states.at(-1)?.detail).toContain(`signed in with ${used} (offered: `),
        );
      },
    );

    test.for([
      ['tls', 'pop3', /begins in plain text/, 'Set security: starttls'],
      ['starttls', 'pop3s', /speaks TLS from the start/, 'Set security: tls'],
    ] as const)(
      'not with %s on the port of %s, and tells the setting to change',
      async ([security, port, cause, remedy]) => {
        const { ports, trust } = lab.server;
        const to = { connect: `localhost:${ports[port]}`, security, tls: { trust } };
        const steps = await testSteps(
          pop3In,
          { ...to, credential: 'mailbox' },
          { credentials: { mailbox: password() } },
        );
        expect(steps.at(-1)).toMatchObject({
          name: 'TLS',
          result: 'failed',
          cause: expect.stringMatching(cause),
          remedy,
        });
      },
    );
  });
});
