import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort } from '../../../sandbox/free-port.ts';
import type { Alert, ChannelTests, OnCall } from '../../../src/api/contract/alert.ts';
import { type Operated, operated } from '../../support/operator.ts';
import { type SmtpPeer, smtpPeer } from '../../support/smtp-peer.ts';
import { type WebServer, webServer } from '../../support/web-server.ts';

const PRODUCTION = `production: watched
title: A watched ward
settings: { shutdownTimeout: 1s }
alerts: { to: [alarm], every: 1h }
services:
  hl7-in:
    adapter: mllp-in
    settings: { listen: '\${env:LISTEN}' }
    to: hl7-out
operations:
  hl7-out:
    adapter: mllp-out
    settings: { connect: '\${env:CONNECT}' }
    alert: { queue: 1 }
  alarm:
    adapter: file-out
    settings: { folder: nowhere, name: '{id}.txt' }
`;

let stack: AsyncDisposableStack;
let web: WebServer;
let mail: SmtpPeer;
let production: Operated;

/** The bodies that a path got. */
const posted = (path: string): Record<string, unknown>[] =>
  web.requests
    .filter((one) => one.path === path)
    .map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>);

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  web = stack.use(await webServer(({ path }) => ({ status: path === '/pager' ? 500 : 200 })));
  mail = stack.use(await smtpPeer({ security: 'none' }));
  const spare = await freePort();
  const settings = `alerts:
  channels:
    pager: { webhook: '${web.url}/pager', headers: { authorization: secret } }
    chat: { slack: '${web.url}/slack' }
    team: { teams: '${web.url}/teams' }
    relay: { mail: { server: 'localhost:${mail.port}', security: none, from: waybill@hospital.example, to: [it@hospital.example] } }
    gone: { webhook: 'http://127.0.0.1:${spare}/x' }
    barred: { webhook: 'http://127.0.0.1:6000/x' }
    dead: { mail: { server: '127.0.0.1:${spare}', from: a@b.example, to: [c@d.example] } }
  people:
    ann: [pager, gone, chat]
    bob: [relay]
  steps:
    - { to: [ann] }
    - { to: [bob, team], after: 1s }
`;
  production = stack.use(
    await operated({
      production: PRODUCTION,
      files: { 'data/console.yaml': settings, nowhere: 'a file' },
      console: { watchEvery: 100 },
    }),
  );
});
afterAll(async () => {
  await stack.disposeAsync();
});

const alerts = async (query = ''): Promise<readonly Alert[]> =>
  (await production.ask<{ alerts: Alert[] }>('GET', `/api/v1/alerts${query}`)).body.alerts;

test('an alert goes from channel to channel until one takes it, to the next people, and is over for all of them', async () => {
  await production.ask('POST', '/api/v1/hosts/hl7-out/stop', { reason: 'a test' });
  for (const id of ['A1', 'A2']) await production.send(id);
  const first = await vi.waitFor(async () => {
    const found = (await alerts()).find(({ rule }) => rule === 'queue');
    // what the two are told does not wait for each other
    const toldOf = (person: string) =>
      found?.told?.filter(({ to }) => to === person).map(({ channel, state }) => [channel, state]);
    expect(toldOf('ann')).toEqual([
      ['pager', 'failed'],
      ['gone', 'failed'],
      ['chat', 'delivered'],
    ]);
    expect(toldOf('bob')).toEqual([['relay', 'delivered']]);
    return found;
  });
  expect(posted('/pager')[0]).toMatchObject({
    state: 'open',
    level: 'warn',
    production: 'watched',
    alerts: [{ rule: 'queue', host: 'hl7-out' }],
  });
  expect(web.requests.find(({ path }) => path === '/pager')?.headers.authorization).toBe('secret');
  expect(posted('/slack').map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/^\*A watched ward: 2 messages are waiting/),
  );
  expect(posted('/teams')[0]).toMatchObject({
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive' }],
  });
  expect(mail.mails[0]?.raw.toString()).toContain('Subject: A watched ward: 2 messages');
  // what does not get out is an alert itself, told by the others
  await vi.waitFor(async () => {
    const failing = (await alerts()).filter(({ rule }) => rule === 'channel');
    expect(failing.map(({ object }) => object).toSorted()).toEqual(
      expect.arrayContaining(['gone', 'pager']),
    );
    expect(failing.find(({ object }) => object === 'gone')?.text).toMatch(
      /^alerts do not get out by gone: nothing listens on 127.0.0.1/,
    );
  });
  await vi.waitFor(() =>
    expect(JSON.stringify(posted('/slack'))).toContain('do not get out by pager'),
  );

  await production.ask('POST', '/api/v1/hosts/hl7-out/start', {});
  await vi.waitFor(async () => {
    const over = (await alerts('?ended=true')).find(({ id }) => id === first?.id);
    const told = over?.told?.filter(({ news, state }) => news === 'over' && state === 'delivered');
    expect(told?.map(({ to }) => to).toSorted()).toEqual(['chat', 'relay', 'team']);
  });
  expect(
    posted('/slack').filter(({ text }) => String(text).includes('over: 2 messages')),
  ).toHaveLength(1);
});

test('a test by every channel says what is wrong with each, and ends the alert of one that is mended', async () => {
  web.answer(() => ({ status: 200 }));
  const { body, status } = await production.ask<ChannelTests>('POST', '/api/v1/alerts/test', {});
  expect(status).toBe(200);
  const results = new Map(body.tests.map((one) => [one.channel, one]));
  expect([...results].map(([name, { result }]) => `${name} ${result}`).toSorted()).toEqual([
    'barred failed',
    'chat passed',
    'dead failed',
    'gone failed',
    'operation alarm failed',
    'pager passed',
    'relay passed',
    'team passed',
  ]);
  expect(results.get('barred')?.cause).toContain('127.0.0.1:6000 was not tried: its port is one');
  expect(results.get('dead')?.cause).toMatch(/^nothing listens on 127/);
  expect(results.get('gone')?.remedy).toContain('Check the port');
  expect(results.get('operation alarm')?.cause).toMatch(/nowhere|folder/);
  await vi.waitFor(async () =>
    expect((await alerts()).map(({ rule, object }) => `${rule} ${object}`)).not.toContain(
      'channel pager',
    ),
  );
});

test('who is on call is changed for a time, by name, with a reason', async () => {
  const path = '/api/v1/alerts/on-call';
  const now = Date.now();
  const order = { from: now, to: now + 3_600_000, who: 'bob', reason: 'ann is ill' };
  expect((await production.ask('POST', path, { ...order, who: 'carl' })).status).toBe(400);
  expect((await production.ask('POST', path, { ...order, to: now - 1 })).status).toBe(400);
  const { body } = await production.ask<{ id: number }>('POST', path, order);
  const seen = await production.ask<OnCall>('GET', path);
  expect(seen.body.spans[0]).toMatchObject({ who: 'bob', override: body.id });
  expect(seen.body.overrides).toMatchObject([{ by: 'admin', reason: 'ann is ill' }]);
  expect(seen.body.channels.find(({ name }) => name === 'gone')?.last?.state).toBe('failed');
  expect(JSON.stringify(seen.body)).not.toMatch(/http|secret|localhost/);
  expect((await production.ask('DELETE', `${path}/${body.id}`)).status).toBe(200);
  expect((await production.ask('DELETE', `${path}/${body.id}`)).status).toBe(404);
});
