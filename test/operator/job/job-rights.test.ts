import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditLog } from '../../../src/access/audit/audit-log.ts';
import type { MetaDatabase } from '../../../src/access/meta/meta-database.ts';
import { metaDatabase } from '../../../src/access/meta/open-meta.ts';
import { type Orderer, ordererOf } from '../../../src/access/rights/orderer.ts';
import { openSignIn, rightsNow } from '../../../src/access/sign-in/console-guard.ts';
import { readConsoleSettings } from '../../../src/access/sign-in/console-settings.ts';
import type { SignIn } from '../../../src/access/sign-in/sign-in.ts';
import { silentLogger } from '../../../src/log/logger.ts';
import { jobRights } from '../../../src/operator/job/job-rights.ts';
import type { Job } from '../../../src/operator/job/job-store.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';

const HOSTS = [
  { name: 'ward', tags: ['north'] },
  { name: 'lab', tags: ['south'] },
];
let folder: TemporaryFolder;
let meta: MetaDatabase;
let signIn: SignIn;

beforeAll(async () => {
  folder = await temporaryFolder('rights');
  meta = await metaDatabase({ data: folder.path });
  signIn = await openSignIn({
    production: 'ward',
    database: meta,
    settings: await readConsoleSettings(`${folder.path}/console.yaml`, {}),
    audit: await auditLog({ data: folder.path }),
    hosts: async () => HOSTS,
    log: silentLogger,
  });
});
afterAll(async () => {
  await meta.close();
  await signIn.audit.close();
  await folder[Symbol.asyncDispose]();
});

const rightsOf = (orderer: Orderer, job: Partial<Job> = {}) =>
  jobRights(rightsNow(signIn), 500)({ type: 'resend', orderer, ...job } as Job);

const add = (name: string, roles: readonly string[]): Promise<void> =>
  signIn.users.add({ name, roles, scope: ['*'], password: '', mustChange: false });

/** Whoever somebody of that name is at this moment. */
async function orders(
  name: string,
  { via = 'local', ...more }: { readonly via?: string; readonly token?: number } = {},
): Promise<Orderer> {
  const { roles, scope } = (await signIn.users.find(name)) ?? { roles: ['engineer'], scope: ['*'] };
  return ordererOf(await signIn.rights({ name, roles, scope, via, ...more }));
}

test('what somebody ordered by sitting at the machine, as an earlier version allowed, ends', async () => {
  const loopback = { ...(await orders('nobody')), name: 'loopback', via: 'loopback' };
  expect(await rightsOf(loopback)).toEqual({
    stop: expect.stringContaining('no longer admin'),
  });
});

test('a local user goes on with what they may do by now, and no longer than they are one', async () => {
  await add('ann', ['engineer']);
  const ann = await orders('ann');
  expect(await rightsOf(ann)).toEqual({ visible: undefined });
  await signIn.users.setRoles('ann', ['engineer'], ['tag:north']);
  expect(await rightsOf(ann)).toEqual({ visible: ['ward'] });
  expect(await rightsOf(ann, { target: 'lab' })).toEqual({
    stop: 'ann can no longer see lab',
  });
  expect(await rightsOf(ann, { total: 501 })).toEqual({ visible: ['ward'] });
  await signIn.users.setRoles('ann', ['operator'], ['*']);
  expect(await rightsOf(ann, { total: 500 })).toEqual({ visible: undefined });
  expect(await rightsOf(ann, { total: 501 })).toEqual({
    stop: 'ann may now act on 500 messages at once',
  });
  await signIn.users.setRoles('ann', ['viewer'], ['*']);
  expect(await rightsOf(ann)).toEqual({ stop: 'ann now lacks message.bulk, message.resend' });
  await signIn.users.remove('ann');
  expect(await rightsOf(ann)).toEqual({ stop: 'ann is no longer a user' });
});

test('nobody gets more by a job than they had when they ordered it', async () => {
  await add('bob', ['viewer']);
  const bob = await orders('bob');
  await signIn.users.setRoles('bob', ['administrator'], ['*']);
  expect(await rightsOf(bob)).toEqual({ stop: 'bob now lacks message.bulk, message.resend' });
});

test('a token that is revoked takes its jobs along', async () => {
  await add('cara', ['engineer']);
  const expires = Date.now() + 1_000_000;
  const { id } = await signIn.tokens.add({
    label: 'x',
    user: 'cara',
    expires,
    permissions: undefined,
  });
  const cara = await orders('cara', { via: 'token', token: id });
  expect(await rightsOf(cara)).toEqual({ visible: undefined });
  await signIn.tokens.revoke(id);
  expect(await rightsOf(cara)).toEqual({
    stop: 'the token with which cara ordered it was revoked',
  });
});

test('of somebody from outside the last sign-in counts', async () => {
  const dora = await orders('dora', { via: 'oidc' });
  expect(await rightsOf(dora)).toEqual({ visible: undefined });
  const session = { name: 'dora', via: 'oidc', ip: '', provider: undefined, idToken: undefined };
  await signIn.sessions.start({ ...session, roles: ['engineer'], scope: ['host:lab'] });
  expect(await rightsOf(dora)).toEqual({ visible: ['lab'] });
  await signIn.sessions.endAll('dora');
  await signIn.sessions.start({ ...session, roles: ['viewer'], scope: ['*'] });
  expect(await rightsOf(dora)).toEqual({
    stop: 'dora now lacks message.bulk, message.resend',
  });
});

test('whoever ordered it through another console keeps what that console granted, and is no user of the same name', async () => {
  const ann = { name: 'ann', via: 'local@hub', roles: ['administrator'], visibleHosts: undefined };
  const granted = { ...ann, permissions: ['message.bulk', 'message.resend'] } as const;
  expect(await rightsOf(granted)).toEqual({ visible: undefined });
  const lacking = { ...ann, permissions: ['message.bulk'] } as const;
  expect(await rightsOf(lacking)).toEqual({ stop: 'ann now lacks message.resend' });
});
