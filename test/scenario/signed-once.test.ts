import { createHmac } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { runProduction } from '../../src/cli/run-production.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { type Called, call } from '../adapters/http/calling.ts';
import { startNats } from '../support/nats.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const KEY = 'shared with the sender';

const PRODUCTION = `production: signed
credentials: { hook: { kind: bearer, token: "\${secret:hook}" } }
services:
  plain:
    adapter: http-in
    settings: { listen: "127.0.0.1:\${env:PORT}", path: "/plain/{ward}", callers: [{ kind: hmac, credentials: [hook] }] }
    to: [out]
  timed:
    adapter: http-in
    settings:
      listen: "127.0.0.1:\${env:PORT}"
      path: /timed
      deliver: request
      headers: [X-Attempt]
      callers: [{ kind: hmac, credentials: [hook], timestampHeader: X-Time, tolerance: 1m }]
    to: [out]
operations:
  out: { adapter: file-out, settings: { folder: out, makeFolder: true, name: "{id}" } }
`;

const send = (url: string, body: string, headers: Record<string, string> = {}): Promise<Called> => {
  const time = headers['x-time'];
  const signature = createHmac('sha256', KEY).update(time ? `${time}.${body}` : body);
  return call(url, {
    body,
    headers: { 'x-hub-signature-256': signature.digest('hex'), ...headers },
  });
};
const idOf = ({ status, body }: Called): [number, unknown] => [
  status,
  (JSON.parse(body) as { id: unknown }).id,
];

test('a signed request that is shown again is answered as the first time and delivered once, by two engines too', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('signed');
  await writeFile(join(folder.path, 'production.yaml'), PRODUCTION);
  const engine = async (name: string) => {
    const port = await freePort();
    const running = await runProduction({
      folder: folder.path,
      data: join(folder.path, name),
      nats,
      log: silentLogger,
      environment: { PORT: String(port) },
      secrets: (secret) => (secret === 'hook' ? KEY : undefined),
    });
    return Object.assign(running, { url: `http://127.0.0.1:${port}` });
  };
  await using first = await engine('a');
  await using second = await engine('b');
  const once = await send(`${first.url}/plain/icu`, 'a note');
  expect(once.status).toBe(202);
  for (const [url, headers] of [
    [`${first.url}/plain/icu`, {}],
    // what is not signed may be changed by whoever recorded it
    [`${first.url}/plain/icu?again=1`, { 'idempotency-key': 'another' }],
    [`${first.url}/plain/i%63u`, { 'x-hub-signature-256': `sha256=${digest('a note')}` }],
  ] as const) {
    expect(idOf(await send(url, 'a note', headers))).toEqual(idOf(once));
  }
  expect((await send(`${second.url}/plain/icu`, 'a note')).status).toBe(202);

  const now = String(Math.floor(Date.now() / 1_000));
  const timed = await send(`${first.url}/timed`, 'timed', { 'x-time': now, 'x-attempt': '1' });
  expect(timed.status).toBe(202);
  const again = { 'x-time': now, 'x-attempt': '2', 'idempotency-key': 'k' };
  expect(idOf(await send(`${first.url}/timed`, 'timed', again))).toEqual(idOf(timed));
  const old = { 'x-time': String(Number(now) - 90) };
  expect((await send(`${first.url}/timed`, 'timed', old)).status).toBe(401);

  // another body, another place or another time is another request
  await send(`${first.url}/plain/icu`, 'another note');
  await send(`${first.url}/plain/er`, 'a note');
  await send(`${first.url}/timed`, 'timed', { 'x-time': String(Number(now) + 1) });
  const arrived = (): Promise<string[]> => readdir(join(folder.path, 'out')).catch(() => []);
  await vi.waitFor(async () => expect(await arrived()).toHaveLength(5), { timeout: 15_000 });
  await sleep(300);
  expect(await arrived()).toHaveLength(5);
});

const digest = (body: string): string =>
  createHmac('sha256', KEY).update(body).digest('hex').toUpperCase();
