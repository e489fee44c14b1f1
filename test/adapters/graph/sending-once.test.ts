import { describe, expect, test } from 'vitest';
import graphMailOut from '../../../adapters/graph/graph-mail-out.ts';
import { cuttingProxy, type Direction } from '../../support/cutting-proxy.ts';
import { type GraphLab, graphLab, HUB, WARD } from '../../support/graph-lab.ts';
import { openResources } from '../../support/nothing-open.ts';
import { lend, messageOf } from '../../support/open-adapter.ts';
import { arrived, asked, openSending } from '../../support/open-graph.ts';

const BODY = Buffer.from('MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1\r');

const over = (port: number) => ({ url: `https://localhost:${port}/v1.0` });
const drafts = (lab: GraphLab) => lab.graph.mailbox(HUB).messages('drafts');

describe('a mail whose answer gets lost', () => {
  test('after it was sent is found by the next try, and not sent again', async () => {
    await using lab = await graphLab();
    await using opened = await openSending(lab);
    lab.graph.loseAnswer(/send$/);
    await expect(opened.send(BODY)).rejects.toMatchObject({
      code: 'ADAPTER_TEMPORARY',
      message: expect.stringMatching(/it may have the mail\. The next try looks for it first\./),
    });
    expect(await opened.send(BODY)).toMatchObject({ code: '202', text: 'sent by an earlier try' });
    expect(arrived(lab)).toHaveLength(1);
  });

  test('after it was written is removed by the next try, and written anew', async () => {
    await using lab = await graphLab();
    await using opened = await openSending(lab);
    lab.graph.loseAnswer(/messages$/);
    await expect(opened.send(BODY)).rejects.toMatchObject({ code: 'ADAPTER_TEMPORARY' });
    expect(drafts(lab)).toHaveLength(1);
    await opened.send(BODY);
    expect(arrived(lab)).toHaveLength(1);
    expect(drafts(lab)).toEqual([]);
  });

  test('is found after a restart too, as the engine says that it may have been sent', async () => {
    await using lab = await graphLab();
    const first = await openSending(lab);
    lab.graph.loseAnswer(/send$/);
    await expect(first.send(BODY)).rejects.toBeInstanceOf(Error);
    await first.close();
    await using second = await openSending(lab);
    expect(await second.send(BODY, { possibleDuplicate: true })).toMatchObject({
      text: 'sent by an earlier try',
    });
    expect(arrived(lab)).toHaveLength(1);
  });

  test('is found by the next try when the adapter lost its connection in between', async () => {
    await using lab = await graphLab();
    await using proxy = await cuttingProxy(Number(new URL(lab.graph.url).port));
    const { lent } = lend(
      graphMailOut.settings,
      { ...lab.given, ...over(proxy.port), to: WARD },
      { credentials: { graph: lab.credential } },
    );
    const first = await graphMailOut.open(lent);
    const { signal } = new AbortController();
    lab.graph.loseAnswer(/send$/);
    await expect(first.send(messageOf(BODY), signal)).rejects.toMatchObject({
      code: 'ADAPTER_TEMPORARY',
    });
    await proxy[Symbol.asyncDispose]();
    await expect(first.send(messageOf(BODY), signal)).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
    });
    await first.close();
    await using again = await cuttingProxy(Number(new URL(lab.graph.url).port), proxy.port);
    const second = await graphMailOut.open(lent);
    expect(await second.send(messageOf(BODY), signal)).toMatchObject({
      text: 'sent by an earlier try',
    });
    await second.close();
    expect(again.connections).toBeGreaterThan(0);
    expect(arrived(lab)).toHaveLength(1);
  });

  test('may come twice where it is sent directly, as the setting says', async () => {
    await using lab = await graphLab();
    await using opened = await openSending(lab, { sending: 'direct' });
    lab.graph.loseAnswer(/sendMail$/);
    await expect(opened.send(BODY)).rejects.toMatchObject({ code: 'ADAPTER_TEMPORARY' });
    await opened.send(BODY);
    const ids = arrived(lab).map(({ internetMessageId }) => internetMessageId);
    expect(ids).toEqual([
      '<waybill.7000001@hospital.example>',
      '<waybill.7000001@hospital.example>',
    ]);
  });

  test('is looked for only after a failed try: otherwise it costs no request', async () => {
    await using lab = await graphLab();
    await using opened = await openSending(lab);
    for (const id of [1, 2, 3]) await opened.send(BODY, { id });
    expect(asked(lab).filter((one) => one.startsWith('GET'))).toEqual([]);
  });
});

test('another message, or one of another host, is never taken for it', async () => {
  await using lab = await graphLab();
  await using opened = await openSending(lab);
  await opened.send(BODY, { id: 12 });
  await opened.send(BODY, { id: 1, possibleDuplicate: true });
  expect(arrived(lab)).toHaveLength(2);
});

test('a draft that Graph refuses to send does not stay', async () => {
  await using lab = await graphLab();
  await using opened = await openSending(lab, { to: 'not-an-address@' });
  await expect(opened.send(BODY)).rejects.toMatchObject({ code: 'ADAPTER_SUSPEND' });
  await using other = await openSending(lab, { from: 'boss@hospital.example' });
  await expect(other.send(BODY)).rejects.toMatchObject({ code: 'ADAPTER_DISABLED' });
  expect(drafts(lab)).toEqual([]);
});

test.for<Direction>(['toServer', 'toClient'])(
  'a connection that breaks at any point %s loses no mail, sends none twice, and leaves nothing open',
  async (direction) => {
    await using lab = await graphLab();
    const target = Number(new URL(lab.graph.url).port);
    await using clean = await cuttingProxy(target);
    const measured = await openSending(lab, over(clean.port));
    await measured.send(BODY, { id: 1 });
    await measured.close();
    const { length } = clean.passed(direction);
    const resources = openResources();
    const proxy = await cuttingProxy(target);
    for (let step = 0; step < 48; step++) {
      const id = 100 + step;
      proxy.cutNext(direction, Math.floor((length * step) / 48));
      const first = await openSending(lab, over(proxy.port));
      const failure = await first.send(BODY, { id }).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect((failure as { code?: string } | undefined)?.code ?? 'ADAPTER_NOT_CONNECTED').toMatch(
        /^ADAPTER_(NOT_CONNECTED|TEMPORARY)$/,
      );
      // Now the same adapter goes on, now the engine was started anew in between.
      if (failure !== undefined && step % 2 === 0) await first.send(BODY, { id });
      await first.close();
      if (failure !== undefined && step % 2 === 1) {
        await using second = await openSending(lab, over(proxy.port));
        await second.send(BODY, { id, possibleDuplicate: true });
      }
      const copies = arrived(lab).filter((one) => one.internetMessageId.includes(`.${id}@`));
      expect(copies, `cut ${direction} at step ${step}`).toHaveLength(1);
    }
    expect(drafts(lab)).toEqual([]);
    await proxy[Symbol.asyncDispose]();
    await resources.expectNothingNew();
  },
);
