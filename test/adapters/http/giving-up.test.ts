import { setImmediate } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import httpOut from '../../../adapters/http/http-out.ts';
import { type OpenedOutbound, openOutbound } from '../../support/open-adapter.ts';
import { type WebServer, webServer } from '../../support/web-server.ts';

const body = Buffer.from('PATIENT-NAME');

const open = (
  { url }: Pick<WebServer, 'url'>,
  given: Readonly<Record<string, unknown>>,
): Promise<OpenedOutbound> => openOutbound(httpOut, { url, ...given });

test('a server that never answers is given up after the time-out, and may have taken the message', async () => {
  await using server = await webServer(() => undefined);
  await using opened = await open(server, { timeout: '300ms' });
  await expect(opened.send(body)).rejects.toMatchObject({
    code: 'ADAPTER_TEMPORARY',
    message: expect.stringMatching(/did not answer within 300 ?ms.*duplicate/s),
  });
});

test('a message that waits for a connection is given up at once, and never sent', async () => {
  const held = Promise.withResolvers<undefined>();
  await using server = await webServer(async () => (await held.promise) ?? {});
  await using opened = await open(server, { connections: 1 });
  const first = opened.send(body);
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  const controller = new AbortController();
  const waiting = opened.send(Buffer.from('waiting'), {}, controller.signal);
  await setImmediate();
  controller.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  held.resolve(undefined);
  expect(await first).toMatchObject({ code: '200' });
  expect(await opened.send(Buffer.from('next'))).toMatchObject({ code: '200' });
  expect(server.requests.map(({ body: sent }) => String(sent))).toEqual([String(body), 'next']);
});

test('a message that is given up in flight frees its connection', async () => {
  await using server = await webServer(() => undefined);
  await using opened = await open(server, { connections: 1 });
  const controller = new AbortController();
  const sending = opened.send(body, {}, controller.signal);
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  controller.abort(new Error('stopped'));
  await expect(sending).rejects.toThrow('stopped');
  server.answer(() => ({}));
  expect(await opened.send(body)).toMatchObject({ code: '200' });
});
