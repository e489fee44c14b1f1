import { describe, expect, test } from 'vitest';
import httpIn from '../../../adapters/http/http-in.ts';
import httpOut from '../../../adapters/http/http-out.ts';
import { inlineBody } from '../../../src/message/body.ts';
import { certificates } from '../../support/certificates.ts';
import { type CuttingProxy, cuttingProxy, type Direction } from '../../support/cutting-proxy.ts';
import { openResources } from '../../support/nothing-open.ts';
import { openInbound, streamedBody } from '../../support/open-adapter.ts';
import { areRightClass, sentAtLast } from '../../support/supervised.ts';
import { webServer } from '../../support/web-server.ts';
import { type Called, call } from './calling.ts';

const DIRECTIONS = ['toServer', 'toClient'] as const satisfies Direction[];
const BODY = Buffer.from('MSH|^~\\&|A|B|C|D|20260101||ADT^A01^ADT_A01|M1|P|2.5.1\rPID|1||7\r');

/** So many places to cut what passed, from its first byte to its last but one. */
const cuts = ({ length }: Buffer, most: number): number[] =>
  Array.from({ length: most }, (_, n) => Math.floor(((length - 1) * n) / (most - 1)));

describe.for([
  { title: 'in plain text', most: 40, secure: false },
  { title: 'in TLS', most: 16, secure: true },
])('a connection of http-out that is cut $title', ({ most, secure }) => {
  test.for(DIRECTIONS)(
    '%s loses no message, sends it twice only where it says so and under the same key, and leaves nothing open',
    async (direction) => {
      await using files = await certificates();
      const { certificate: cert, key } = files.server;
      await using server = await webServer(() => ({ status: 201, body: 'kept' }), {
        ...(secure && { tls: { cert, key } }),
      });
      const resources = openResources();
      const sent = (proxy: CuttingProxy): Promise<string[]> => {
        const url = `${secure ? 'https' : 'http'}://localhost:${proxy.port}/in`;
        const tls = secure && { tls: { trust: files.trust } };
        const given = { url, headers: ['Idempotency-Key: {id}'], ...tls };
        return sentAtLast(httpOut, { given, options: {} }, { id: 7, body: inlineBody(BODY) });
      };
      const proxy = await cuttingProxy(server.port);
      expect(await sent(proxy)).toEqual([]);
      let repeated = 0;
      for (const after of cuts(proxy.passed(direction), most)) {
        server.requests.length = 0;
        proxy.cutNext(direction, after);
        const errors = await sent(proxy);
        const copies = server.requests.map(({ headers, body }) => [
          headers['idempotency-key'],
          String(body),
        ]);
        repeated += copies.length - 1;
        expect(new Set(copies.map(String)), `cut after ${after}`).toEqual(
          new Set([`7,${String(BODY)}`]),
        );
        const isRight = areRightClass(errors, copies.length);
        expect(isRight, `cut after ${after}: ${errors.join()}`).toBe(true);
      }
      expect(repeated > 0).toBe(direction === 'toClient');
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await resources.expectNothingNew();
    },
  );
});

test('a large body that is cut anywhere is never taken for the whole one', async () => {
  await using server = await webServer(() => ({ status: 201 }));
  const large = streamedBody(Buffer.alloc(2_000_000, 'a line of a report\n'));
  const resources = openResources();
  for (const after of [0, 70_000, 1_000_000, 1_999_000]) {
    await using proxy = await cuttingProxy(server.port);
    proxy.cutNext('toServer', after);
    const given = { url: `http://localhost:${proxy.port}/in` };
    const errors = await sentAtLast(httpOut, { given, options: {} }, { body: large });
    expect(errors, `cut after ${after}`).toEqual(['ADAPTER_TEMPORARY']);
  }
  expect(server.requests.map(({ body }) => body.length)).toEqual(Array(4).fill(2_000_000));
  await server[Symbol.asyncDispose]();
  await resources.expectNothingNew();
});

test.for(DIRECTIONS)(
  'a caller whose connection to http-in is cut %s is answered only for what is stored whole, and leaves nothing open',
  async (direction) => {
    const resources = openResources();
    const opened = await openInbound(httpIn, { listen: '127.0.0.1:0' });
    const [, port = ''] = /:(\d+)/.exec(opened.states.at(-1)?.detail ?? '') ?? [];
    const proxy = await cuttingProxy(Number(port));
    const headers = { 'content-type': 'application/hl7-v2', 'idempotency-key': 'k7' };
    const post = (): Promise<Called | undefined> =>
      call(`http://127.0.0.1:${proxy.port}/x`, { headers, body: BODY }).catch(() => undefined);
    expect(await post()).toMatchObject({ status: 202 });
    let unanswered = 0;
    for (const after of cuts(proxy.passed(direction), 40)) {
      opened.delivered.length = 0;
      proxy.cutNext(direction, after);
      const answer = await post();
      if (answer === undefined) unanswered += 1;
      const stored = opened.delivered.length;
      expect(answer === undefined || stored === 1, `cut after ${after}`).toBe(true);
      // as a caller does that heard nothing
      expect(await post()).toMatchObject({ status: 202 });
      expect(new Set(opened.delivered.map(({ body }) => String(body)))).toEqual(
        new Set([String(BODY)]),
      );
      expect(new Set(opened.delivered.map(({ dedupeKey }) => dedupeKey)).size).toBe(1);
    }
    expect(unanswered).toBeGreaterThan(30);
    await proxy[Symbol.asyncDispose]();
    await opened.close();
    await resources.expectNothingNew();
  },
);
