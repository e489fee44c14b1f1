import { expect, test } from 'vitest';
import httpIn from '../../../adapters/http/http-in.ts';
import soapIn from '../../../adapters/soap/soap-in.ts';
import soapOut from '../../../adapters/soap/soap-out.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import { inlineBody } from '../../../src/message/body.ts';
import { certificates } from '../../support/certificates.ts';
import { cuttingProxy, type Direction } from '../../support/cutting-proxy.ts';
import { openResources } from '../../support/nothing-open.ts';
import { openInbound, openOutbound, testSteps } from '../../support/open-adapter.ts';
import { soapAnswer } from '../../support/soap-envelope.ts';
import { sentAtLast } from '../../support/supervised.ts';
import { webServer } from '../../support/web-server.ts';

const CUTS = 25;
const ORDER = '<order>4711</order>';
const XML = { type: 'application/xml' };

test.for<Direction>(['toServer', 'toClient'])(
  'a call that is cut anywhere %s arrives, is tried again with the same id, and leaves nothing open',
  async (direction) => {
    const ids = new Set<string>();
    let came = 0;
    const server = await webServer(({ body }) => {
      const [, id = ''] = /MessageID[^>]*>([^<]+)</.exec(body.toString()) ?? [];
      ids.add(id);
      came += 1;
      return soapAnswer('<ok/>');
    });
    const resources = openResources();
    const proxy = await cuttingProxy(server.port);
    const given = {
      url: `http://localhost:${proxy.port}/x`,
      action: 'urn:a',
      addressing: 'on',
      attachments: 'mtom',
    };
    const sent = (): Promise<string[]> =>
      sentAtLast(soapOut, { given, options: {} }, { body: inlineBody(Buffer.from(ORDER)), ...XML });
    expect(await sent()).toEqual([]);
    const { length } = proxy.passed(direction);
    let failed = 0;
    for (let n = 0; n < CUTS; n++) {
      came = 0;
      proxy.cutNext(direction, Math.floor(((length - 1) * n) / (CUTS - 1)));
      const errors = await sent();
      failed += errors.length;
      expect([[], ['ADAPTER_TEMPORARY']], `cut ${n}`).toContainEqual(errors);
      expect(came, `cut ${n}`).toBeGreaterThan(0);
    }
    expect(failed).toBeGreaterThan(CUTS - 5);
    expect(ids.size).toBe(1);
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await resources.expectNothingNew();
  },
);

test('a client certificate is sent, and a connection test says that it is missing', async () => {
  await using all = await certificates();
  const tls = {
    cert: all.server.certificate,
    key: all.server.key,
    ca: all.authority.certificate,
  };
  await using server = await webServer(() => soapAnswer('<ok/>'), { tls });
  const options = { credentials: { hub: all.client } };
  const given = { url: server.url, tls: { trust: all.trust, certificate: 'hub' } };
  await using opened = await openOutbound(soapOut, given, options);
  expect(await opened.send(Buffer.from(ORDER), XML)).toMatchObject({ code: '200' });
  const bare = { url: server.url, tls: { trust: all.trust } };
  const steps = await testSteps(soapOut, bare, options);
  expect(steps.at(-1)).toMatchObject({ result: 'failed' });
  expect(`${steps.at(-1)?.cause} ${steps.at(-1)?.remedy}`).toMatch(/certificate/);
});

test('soap-in and http-in share a port, and neither takes what the other does', async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  await using soap = await openInbound(soapIn, { listen, path: '/soap' });
  await using http = await openInbound(httpIn, { listen, path: '/rest' });
  await using out = await openOutbound(soapOut, { url: `http://${listen}/soap` });
  expect(await out.send(Buffer.from(ORDER), XML)).toMatchObject({ code: '200' });
  await using elsewhere = await openOutbound(soapOut, { url: `http://${listen}/other` });
  expect(await elsewhere.send(Buffer.from(ORDER), XML)).toMatchObject({ code: '404' });
  expect(soap.delivered).toHaveLength(1);
  expect(http.delivered).toHaveLength(0);
  await expect(openInbound(httpIn, { listen, path: '/soap' })).rejects.toThrow(
    'already answers POST /soap',
  );
});
