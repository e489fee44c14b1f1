import { describe, expect, test, vi } from 'vitest';
import graphMailIn from '../../../adapters/graph/graph-mail-in.ts';
import { cuttingProxy, type Direction } from '../../support/cutting-proxy.ts';
import { type GraphLab, graphLab, HUB } from '../../support/graph-lab.ts';
import { testSteps } from '../../support/open-adapter.ts';
import { delivered, moreLooks, openReading, receive, texts } from '../../support/open-graph-in.ts';

const over = (port: number) => ({
  url: `https://localhost:${port}/v1.0`,
  take: 'text',
  afterwards: 'delete',
});
const inbox = (lab: GraphLab) => lab.graph.mailbox(HUB).messages('inbox');

describe('when Graph no longer knows where the last look ended', () => {
  test.for(['keep', 'seen', 'archive'])(
    'everything is looked at anew and nothing taken twice (%s)',
    async (afterwards) => {
      await using lab = await graphLab();
      await receive(lab, { text: 'a' });
      await receive(lab, { text: 'b' });
      await using opened = await openReading(lab, { afterwards, take: 'text' });
      await delivered(opened, 2);
      await moreLooks(lab);
      lab.graph.mailbox(HUB).forgetTokens();
      await vi.waitFor(() =>
        expect(opened.events.map(({ name }) => name)).toContain('looked-anew'),
      );
      await receive(lab, { text: 'c' });
      await delivered(opened, 3);
      expect(texts(opened)).toEqual(['a', 'b', 'c']);
      expect(lab.graph.requests.filter(({ status }) => status === 410)).toHaveLength(1);
    },
  );
});

describe('an engine that is killed', () => {
  test('after a look knows where to go on', async () => {
    await using lab = await graphLab();
    await receive(lab, { text: 'a' });
    const first = await openReading(lab, { afterwards: 'keep', take: 'text' });
    await delivered(first, 1);
    await moreLooks(lab);
    await first.close();
    await receive(lab, { text: 'b' });
    await using second = await openReading(lab, { afterwards: 'keep', take: 'text' }, first.memory);
    await delivered(second, 1);
    expect(texts(second)).toEqual(['b']);
  });

  test('between storing a message and remembering that sends the same key again', async () => {
    await using lab = await graphLab();
    await receive(lab, { text: 'a' });
    const first = await openReading(lab, { afterwards: 'keep', take: 'text' });
    await delivered(first, 1);
    await first.close();
    await using second = await openReading(lab, { afterwards: 'keep', take: 'text' });
    await delivered(second, 1);
    expect(second.delivered[0]?.dedupeKey).toBe(first.delivered[0]?.dedupeKey);
    expect(first.delivered[0]?.dedupeKey).toMatch(/^<.+> AAkALg\S+ text 1$/);
  });

  test('between remembering and putting away only puts away', async () => {
    await using lab = await graphLab();
    await receive(lab, { text: 'a' });
    lab.graph.faults(/\/move$/).always({
      kind: 'answer',
      status: 403,
      body: { error: { code: 'ErrorAccessDenied', message: 'no' } },
    });
    const first = await openReading(lab, { take: 'text' });
    await vi.waitFor(() =>
      expect(first.events.at(-1)).toMatchObject({ name: 'mail-not-put-away' }),
    );
    await moreLooks(lab);
    expect(first.delivered).toHaveLength(1);
    await first.close();
    lab.graph.faults(/\/move$/).clear();
    await using second = await openReading(lab, { take: 'text' }, first.memory);
    await vi.waitFor(() => expect(inbox(lab)).toEqual([]));
    expect(second.delivered).toEqual([]);
  });

  test('between two attachments goes on with the second', async () => {
    await using lab = await graphLab();
    const attachments = ['one', 'two', 'three'].map((name) => ({
      filename: `${name}.txt`,
      content: name,
    }));
    await receive(lab, { attachments });
    const first = await openReading(lab, { afterwards: 'delete' });
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
    await using second = await openReading(lab, { afterwards: 'delete' }, first.memory);
    await vi.waitFor(() => expect(inbox(lab)).toEqual([]));
    expect([...texts(first), ...texts(second)]).toEqual(['one', 'two', 'three']);
  });
});

describe('an answer that gets lost', () => {
  test.for(['archive', 'delete', 'seen', 'flag'])(
    'after a mail was put away (%s) takes nothing twice',
    async (afterwards) => {
      await using lab = await graphLab();
      await receive(lab, { text: 'a' });
      lab.graph.loseAnswer(/^(POST .*\/move|DELETE|PATCH)/);
      const first = await openReading(lab, { afterwards, take: 'text' });
      await vi.waitFor(() => expect(first.lost).toHaveLength(1));
      await first.close();
      await using second = await openReading(lab, { afterwards, take: 'text' }, first.memory);
      await receive(lab, { text: 'b' });
      await delivered(second, 1);
      expect([...texts(first), ...texts(second)]).toEqual(['a', 'b']);
    },
  );
});

test.for<Direction>(['toServer', 'toClient'])(
  'a connection that breaks at any point %s loses no mail and takes none twice',
  async (direction) => {
    await using lab = await graphLab();
    const target = Number(new URL(lab.graph.url).port);
    const length = await cleanLength(lab, direction);
    await using proxy = await cuttingProxy(target);
    for (let step = 0; step < 16; step++) {
      await receive(lab, { text: `a${step}` });
      await receive(lab, { text: `b${step}` });
      proxy.cutNext(direction, Math.floor((length * step) / 16));
      const first = await openReading(lab, over(proxy.port)).catch(() => undefined);
      await vi.waitFor(
        () =>
          expect(first === undefined || first.lost.length > 0 || inbox(lab).length === 0).toBe(
            true,
          ),
        { timeout: 5_000 },
      );
      await first?.close();
      await using second = await openReading(lab, over(proxy.port), first?.memory);
      await vi.waitFor(() => expect(inbox(lab)).toEqual([]), { timeout: 5_000 });
      const all = [...(first === undefined ? [] : texts(first)), ...texts(second)];
      expect(all, `cut ${direction} at step ${step}`).toEqual([`a${step}`, `b${step}`]);
    }
  },
);

async function cleanLength(lab: GraphLab, direction: Direction): Promise<number> {
  await using proxy = await cuttingProxy(Number(new URL(lab.graph.url).port));
  await receive(lab, { text: 'x' });
  await receive(lab, { text: 'y' });
  const url = `https://localhost:${proxy.port}/v1.0`;
  await using opened = await openReading(lab, { url, take: 'text', afterwards: 'delete' });
  await vi.waitFor(() => expect(inbox(lab)).toEqual([]));
  await opened.close();
  return proxy.passed(direction).length;
}

describe('trouble with Graph', () => {
  test('a large attachment that breaks off is not delivered in part', async () => {
    await using lab = await graphLab();
    const large = Buffer.alloc(4_000_000, 'abcdefghij');
    await receive(lab, { attachments: [{ filename: 'l.bin', content: large }] });
    await using proxy = await cuttingProxy(Number(new URL(lab.graph.url).port));
    proxy.cutNext('toClient', 2_000_000);
    const first = await openReading(lab, { url: `https://localhost:${proxy.port}/v1.0` });
    await vi.waitFor(() => expect(first.lost).toMatchObject([{ code: 'ADAPTER_NOT_CONNECTED' }]));
    expect(first.delivered).toEqual([]);
    await first.close();
    await using second = await openReading(lab, {}, first.memory);
    await delivered(second, 1);
    expect(second.delivered[0]?.body.equals(large)).toBe(true);
  });

  test('a token that is refused in the middle is renewed once', async () => {
    await using lab = await graphLab();
    await using opened = await openReading(lab, { take: 'text' });
    await moreLooks(lab);
    lab.entra.revoke();
    await receive(lab, { text: 'a' });
    await delivered(opened, 1);
    expect(lab.credential.asked.filter(Boolean)).toHaveLength(1);
    expect(opened.lost).toEqual([]);
  });

  test('throttling for a moment is waited out, for longer it is reported with the time', async () => {
    await using lab = await graphLab();
    await using opened = await openReading(lab, { take: 'text' });
    await moreLooks(lab);
    lab.graph.faults(/delta$/).next({ kind: 'throttle', retryAfter: 0 });
    await receive(lab, { text: 'a' });
    await delivered(opened, 1);
    lab.graph.faults(/delta$/).next({ kind: 'throttle', retryAfter: 90 });
    await vi.waitFor(() =>
      expect(opened.lost).toMatchObject([{ code: 'ADAPTER_TEMPORARY', retryAfter: 90_000 }]),
    );
  });

  test('a link to somewhere else is not followed: the token would go there', async () => {
    await using lab = await graphLab();
    const value = {
      value: [],
      '@odata.nextLink': 'https://evil.example/v1.0/users/x/messages/delta',
    };
    lab.graph.faults(/delta$/).next({ kind: 'answer', status: 200, body: value });
    await using opened = await openReading(lab);
    await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
    expect(opened.lost[0]?.message).toMatch(/points to evil\.example\. It is not followed/);
  });

  test.for([
    {
      roles: ['Mail.Send'],
      says: /the application is not allowed to do this in hub@hospital\.example\. Grant it the application permission Mail\.ReadWrite/,
    },
    { roles: ['Mail.Read'], says: /Grant it the application permission Mail\.ReadWrite/ },
  ])('permissions $roles do not suffice, in plain words', async ({ roles, says }) => {
    await using lab = await graphLab({ roles });
    await receive(lab, { text: 'a' });
    await expect(openReading(lab)).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(says),
    });
  });

  test('a folder that is not there is named, by the connection test as well', async () => {
    await using lab = await graphLab();
    await expect(openReading(lab, { folder: 'Inbox/Lab' })).rejects.toThrow(
      /the mailbox has no folder Inbox\/Lab/,
    );
    const steps = await testSteps(
      graphMailIn,
      { ...lab.given, folder: 'Inbox/Lab' },
      { credentials: { graph: lab.credential } },
    );
    expect(steps.at(-1)).toMatchObject({
      name: 'folder',
      result: 'failed',
      cause: 'the mailbox has no folder Inbox/Lab',
      remedy: 'Correct the name, or create the folder.',
    });
  });
});
