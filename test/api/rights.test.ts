import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { AuditEntry } from '../../src/access/audit/audit.ts';
import type { BodyMask } from '../../src/access/rights/field-mask.ts';
import { PERMISSIONS, type Permission, type Principal } from '../../src/access/rights/principal.ts';
import type { Me } from '../../src/api/contract/me.ts';
import type { MessagePage } from '../../src/api/contract/message.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { startOperator } from '../../src/plane/operator-plane.ts';
import { type Operated, operated } from '../support/operator.ts';
import { signedInAs } from '../support/signed-in-as.ts';

let production: Operated;
const recorded: AuditEntry[] = [];
let isLocked = false;

function person(permissions: readonly Permission[], rest: Partial<Principal> = {}): Principal {
  return {
    name: 'ann',
    roles: ['test'],
    permissions: new Set(permissions),
    visibleHosts: undefined,
    unmasked: true,
    via: 'local',
    ...rest,
  };
}

/** Hides the name that all messages of this test have. */
const nameless: BodyMask = (body) =>
  Buffer.from(Buffer.from(body).toString().replace('Doe', '***'));

const who = signedInAs();

beforeAll(async () => {
  const audit = {
    async record(entry: AuditEntry) {
      if (isLocked)
        throw new EngineError('STORE_UNAVAILABLE', 'audit.db is locked', { retryable: true });
      recorded.push(entry);
    },
  };
  production = await operated({ console: { signIn: who.plugin, audit, mask: nameless } });
  who.principal = person(PERMISSIONS);
  await production.send('R1', { mrn: '4711' });
  await vi.waitFor(async () => {
    const { body } = await search();
    if (body.items[0]?.status !== 'completed') throw new Error('it is not settled yet');
  }, 20_000);
});
afterAll(async () => production[Symbol.asyncDispose]());

const search = () => production.ask<MessagePage>('POST', '/api/v1/messages/search', {});

test('nobody gets anything but the health without a sign-in', async () => {
  who.principal = undefined;
  expect(await search()).toMatchObject({ status: 401, body: { code: 'SIGN_IN_REQUIRED' } });
  expect((await production.ask('GET', '/metrics')).status).toBe(401);
  expect((await production.ask('GET', '/health/live')).status).toBe(200);
});

test('a refusal that cannot be recorded is told as that, as a problem like every other', async () => {
  who.principal = person(['dashboard.view']);
  isLocked = true;
  const answer = await search().finally(() => (isLocked = false));
  expect(answer).toMatchObject({
    status: 503,
    body: { type: 'urn:waybill:problem:STORE_UNAVAILABLE', retryable: true },
  });
});

test('each permission is asked for, and a refusal is recorded', async () => {
  who.principal = person(['dashboard.view']);
  recorded.length = 0;
  const answer = await search();
  expect(answer).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  expect(recorded).toMatchObject([{ actor: { name: 'ann' }, outcome: 'refused' }]);
});

test('what one may not see is not there: messages, counts, hosts', async () => {
  who.principal = person(PERMISSIONS);
  const id = (await search()).body.items[0]?.id;
  who.principal = person(PERMISSIONS, { visibleHosts: ['elsewhere'] });
  expect((await search()).body.items).toEqual([]);
  expect((await production.ask('GET', `/api/v1/messages/${id}`)).status).toBe(404);
  expect((await production.ask('GET', `/api/v1/sessions/${id}`)).status).toBe(404);
  expect((await production.ask('GET', '/api/v1/find?text=4711')).body).toEqual({ hits: [] });
  expect((await production.ask('GET', '/api/v1/hosts')).body).toMatchObject({ hosts: [] });
  expect((await production.ask('POST', '/api/v1/hosts/hl7-out/stop', {})).status).toBe(404);
});

test('planned work is changed by those who see all that it is about, and names nothing to others', async () => {
  const hosts = ['hl7-in', 'hl7-out'];
  who.principal = person(PERMISSIONS);
  const { body } = await production.ask<{ id: number }>('POST', '/api/v1/maintenance', {
    hosts,
    from: Date.now(),
    to: Date.now() + 60_000,
    reason: 'test',
  });
  const path = `/api/v1/maintenance/${body.id}/until`;
  who.principal = person(PERMISSIONS, { visibleHosts: hosts.slice(0, 1) });
  const some = await production.ask('POST', path, { to: 0 });
  expect(some).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  expect(JSON.stringify(some.body)).not.toContain('hl7-out');
  who.principal = person(PERMISSIONS, { visibleHosts: ['elsewhere'] });
  expect((await production.ask('POST', path, { to: 0 })).status).toBe(404);
  who.principal = person(PERMISSIONS);
  expect((await production.ask('POST', path, { to: 0 })).status).toBe(200);
});

test('who begins is told the figures of what they may see, and none before they may see anything', async () => {
  const begin = async (principal: Principal) => {
    who.principal = principal;
    const path = '/api/v1/me?with=status&with=productions';
    const { status, body } = await production.ask<Me>('GET', path);
    expect(status).toBe(200);
    return body;
  };
  const all = await begin(person(PERMISSIONS));
  expect(all.status?.hosts.total).toBeGreaterThan(0);
  expect(all.productions?.productions).toEqual([all.productions?.own]);
  expect((await begin(person(PERMISSIONS, { visibleHosts: [] }))).status?.hosts.total).toBe(0);
  expect((await begin(person(['event.view']))).status).toBeUndefined();
  for (const first of [{ mustChangePassword: true }, { mustAddFactor: true }])
    expect((await begin(person(PERMISSIONS, first))).status).toBeUndefined();
  // of another console, which answers that itself
  const theirs = await begin(person(PERMISSIONS, { via: 'local@elsewhere' }));
  expect(theirs.productions).toBeUndefined();
  who.principal = person(PERMISSIONS);
  expect((await production.ask<Me>('GET', '/api/v1/me')).body.status).toBeUndefined();
  expect((await production.ask('GET', '/api/v1/me?with=secrets')).status).toBe(400);
});

test('a body is shown only to who may see bodies, and each look is recorded', async () => {
  who.principal = person(PERMISSIONS);
  const id = (await search()).body.items[0]?.id;
  who.principal = person(['message.search']);
  expect((await production.ask('GET', `/api/v1/messages/${id}/body`)).status).toBe(403);
  who.principal = person(['message.search', 'message.content'], { unmasked: false });
  const masked = await production.ask<{ text: string }>('GET', `/api/v1/messages/${id}/body`);
  expect(masked.body).toMatchObject({ masked: true });
  expect(masked.body.text).toContain('***^John');
  expect((await production.ask('GET', `/api/v1/messages/${id}/body/raw`)).status).toBe(403);
  who.principal = person(['message.search', 'message.content']);
  recorded.length = 0;
  expect((await production.ask('GET', `/api/v1/messages/${id}/body`)).status).toBe(200);
  expect(recorded).toMatchObject([
    { action: 'message.view', object: `message ${id}`, outcome: 'done' },
  ]);
});

test('editing needs more than resending', async () => {
  who.principal = person(PERMISSIONS);
  const id = (await search()).body.items[0]?.id;
  who.principal = person(['message.search', 'message.resend']);
  const edited = await production.ask('POST', `/api/v1/messages/${id}/resend`, { text: 'MSH|' });
  expect(edited.status).toBe(403);
});

test('without users the console refuses to listen beyond this machine', async () => {
  const { access, definition } = production.running;
  const starting = startOperator({
    access,
    production: definition.name,
    data: `${production.folder.path}/other`,
    search: new Map(),
    keep: 1_000,
    log: silentLogger,
    console: { host: '0.0.0.0', port: 0 },
  });
  await expect(starting).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});
