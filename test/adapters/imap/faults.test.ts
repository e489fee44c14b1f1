import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { descendants, signal } from '../../../sandbox/daemon.ts';
import { cuttingProxy, type Direction } from '../../support/cutting-proxy.ts';
import { delivered, type ImapLab, imapLab } from '../../support/imap-lab.ts';
import { hasMailServers } from '../../support/mail-server.ts';
import { type Mailbox, mailWith } from '../../support/mailbox.ts';
import { openResources } from '../../support/nothing-open.ts';
import type { OpenedInbound } from '../../support/open-adapter.ts';

const HL7 = 'MSH|^~\\&|LAB|X|Y|Z|20260101||ORU^R01|1|P|2.5.1\r';

const twoMails = (box: Mailbox) =>
  Promise.all(
    ['a', 'b'].map(async (text) =>
      box.put(await mailWith({ messageId: `<${text}@lab.example>`, text })),
    ),
  );

const empty = (box: Mailbox) =>
  vi.waitFor(async () => expect(await box.look()).toEqual([]), { timeout: 5_000 });

const waiting = async (opened: OpenedInbound, count: () => Promise<number> | number) => {
  await vi.waitFor(() => expect(opened.states.at(-1)?.state).toBe('connected'));
  await vi.waitFor(async () => expect(await count()).toBeGreaterThan(0));
};

const keys = ({ delivered: all }: OpenedInbound) => all.map(({ dedupeKey }) => dedupeKey);

describe.runIf(await hasMailServers())('with Dovecot', () => {
  let lab: ImapLab;
  beforeAll(async () => {
    lab = await imapLab();
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  /** Takes two mails over a connection that may break, and then over a good one. */
  async function takenOver(direction: Direction, after: number): Promise<readonly string[]> {
    await using box = await lab.box();
    await twoMails(box);
    await using proxy = await cuttingProxy(lab.server.ports.imaps);
    proxy.cutNext(direction, after);
    const settings = { connect: `localhost:${proxy.port}`, take: 'text', connectTimeout: '2s' };
    const first = await lab.open(box, settings).catch(() => undefined);
    await vi.waitFor(
      async () => {
        const isOver =
          first === undefined || first.lost.length > 0 || (await box.look()).length === 0;
        expect(isOver).toBe(true);
      },
      { timeout: 5_000 },
    );
    await first?.close();
    await using second = await lab.open(box, { take: 'text' }, first?.memory);
    await empty(box);
    const all = [...(first?.delivered ?? []), ...second.delivered];
    return all.map(({ body }) => body.toString().trim());
  }

  test.for<Direction>(['toServer', 'toClient'])(
    'a connection that breaks at any point %s loses no mail, takes none twice, and leaves nothing open',
    async (direction) => {
      await using box = await lab.box();
      await twoMails(box);
      await using whole = await cuttingProxy(lab.server.ports.imaps);
      await using clean = await lab.open(box, { connect: `localhost:${whole.port}`, take: 'text' });
      await empty(box);
      await clean.close();
      const length = whole.passed(direction).length;
      const resources = openResources();
      for (let step = 0; step < 16; step++) {
        const after = Math.floor((length * step) / 16);
        const texts = await takenOver(direction, after);
        expect(texts.toSorted(), `cut ${direction} after ${after} of ${length}`).toEqual([
          'a',
          'b',
        ]);
      }
      await resources.expectNothingNew();
    },
  );

  test.for(['attachments', 'mail', 'parts', 'text'])(
    'a large mail that breaks off is not delivered in part as %s',
    async (take) => {
      await using box = await lab.box();
      const large = Buffer.alloc(4_000_000, 'abcdefghij');
      await box.put(await mailWith({ attachments: [{ filename: 'l.bin', content: large }] }));
      await using proxy = await cuttingProxy(lab.server.ports.imaps);
      proxy.cutNext('toClient', 2_000_000);
      const first = await lab.open(box, { connect: `localhost:${proxy.port}`, take });
      await vi.waitFor(() => expect(first.lost).toHaveLength(1), { timeout: 5_000 });
      expect(first.lost[0]).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
      expect(first.delivered).toEqual([]);
      await first.close();
      await using second = await lab.open(box, { take }, first.memory);
      await delivered(second, 1);
    },
  );

  describe('a connection that waits for mails', () => {
    test('and is cut is reported as lost', async () => {
      await using box = await lab.box();
      await using proxy = await cuttingProxy(lab.server.ports.imaps);
      await using opened = await lab.open(box, {
        connect: `localhost:${proxy.port}`,
        every: '10m',
      });
      await waiting(opened, () => proxy.connections);
      proxy.cutAll();
      await vi.waitFor(() =>
        expect(opened.lost).toMatchObject([{ code: 'ADAPTER_NOT_CONNECTED' }]),
      );
    });

    test('and whose server process is killed is reported as lost', async () => {
      await using box = await lab.box();
      await using opened = await lab.open(box, { every: '10m' });
      const sessions = async () => {
        const all = await descendants(lab.server.dovecot.pid);
        const names = await Promise.all(
          all.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')),
        );
        return all.filter((_, at) => names[at]?.trim() === 'imap');
      };
      await waiting(opened, async () => (await sessions()).length);
      for (const pid of await sessions()) signal(pid, 'SIGKILL');
      await vi.waitFor(() => expect(opened.lost).toHaveLength(1), { timeout: 5_000 });
    });

    test('and whose network hangs is found out', async () => {
      await using box = await lab.box();
      await using proxy = await cuttingProxy(lab.server.ports.imaps);
      await using opened = await lab.open(box, {
        connect: `localhost:${proxy.port}`,
        every: '10m',
        timeout: '2s',
      });
      await waiting(opened, () => proxy.connections);
      proxy.freeze();
      await vi.waitFor(
        () => expect(opened.lost).toMatchObject([{ code: 'ADAPTER_NOT_CONNECTED' }]),
        { timeout: 5_000 },
      );
    });

    test('is closed at once when the host stops, even if the network hangs', async () => {
      await using box = await lab.box();
      await using proxy = await cuttingProxy(lab.server.ports.imaps);
      const opened = await lab.open(box, { connect: `localhost:${proxy.port}`, every: '10m' });
      await waiting(opened, () => proxy.connections);
      proxy.freeze();
      const begin = performance.now();
      await opened.close();
      expect(performance.now() - begin).toBeLessThan(20_000);
      expect(opened.lost).toEqual([]);
    });
  });

  test('a mail that cannot be put away is not taken again, and is put away when that works', async () => {
    await using box = await lab.box();
    await using opened = await lab.open(box, { take: 'text' });
    await vi.waitFor(() => expect(opened.states.at(-1)?.state).toBe('connected'));
    await box.client.mailboxDelete(`${box.folder}-taken`);
    await box.put(await mailWith({ text: 'a' }));
    await delivered(opened, 1);
    await vi.waitFor(() =>
      expect(opened.events.at(-1)).toMatchObject({
        name: 'mail-not-put-away',
        text: expect.stringContaining('NO [TRYCREATE]: there is no such folder'),
      }),
    );
    await box.client.mailboxCreate(`${box.folder}-taken`);
    await empty(box);
    expect(opened.delivered).toHaveLength(1);
    expect(opened.events.filter(({ name }) => name === 'mail-not-put-away')).toHaveLength(1);
  });

  test('killed between storing a message and remembering that, the next run sends the same key', async () => {
    await using box = await lab.box();
    await twoMails(box);
    const first = await lab.open(box, { afterwards: 'keep', take: 'text' });
    await delivered(first, 2);
    await first.close();
    await using second = await lab.open(box, { afterwards: 'keep', take: 'text' });
    await delivered(second, 2);
    expect(new Set(keys(first)).size).toBe(2);
    expect(keys(second)).toEqual(keys(first));
  });

  test('an engine that stops between two attachments goes on with the second', async () => {
    await using box = await lab.box();
    await box.put(
      await mailWith({
        attachments: ['one', 'two', 'three'].map((name) => ({
          filename: `${name}.hl7`,
          content: `${HL7}${name}`,
        })),
      }),
    );
    const first = await lab.open(box);
    first.hold();
    await vi.waitFor(() => expect(first.waiting).toBe(1));
    first.release();
    first.hold();
    await delivered(first, 1);
    await vi.waitFor(() => expect(first.waiting).toBe(1));
    first.refuse();
    first.release();
    await vi.waitFor(() => expect(first.events.at(-1)).toMatchObject({ name: 'mail-waits' }));
    await first.close();
    await using second = await lab.open(box, {}, first.memory);
    await empty(box);
    const names = [...first.delivered, ...second.delivered].map(({ name }) => name);
    expect(names).toEqual(['one.hl7', 'two.hl7', 'three.hl7']);
  });
});
