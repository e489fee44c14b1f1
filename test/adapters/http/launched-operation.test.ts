import { SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import fhirOut from '../../../adapters/fhir/fhir-out.ts';
import { launchedReply } from '../../../adapters/fhir/launched-server.ts';
import { type Credential, RejectedError } from '../../../src/adapter/index.ts';
import { checkLaunches } from '../../../src/definition/check/launches.ts';
import { problemList } from '../../../src/definition/problem.ts';
import { callerText, callerWithoutLaunch } from '../../../src/message/caller.ts';
import { definition, operationDefinition } from '../../support/definition.ts';
import {
  aVisitor,
  FROM_COOKIE,
  type LaunchedApp,
  launchedApp,
} from '../../support/launched-app.ts';
import { openOutbound, readGiven, testSteps } from '../../support/open-adapter.ts';
import { PASSWORD } from '../../support/portal.ts';

const FOREIGN = 'a secret of another issuer of tokens, long enough';

let app: LaunchedApp;
beforeAll(async () => {
  const settings = readGiven(fhirOut.settings, { launches: 'portal', action: 'forward' });
  app = await launchedApp({
    server: { accessLifetime: '1s', grace: '0s' },
    ehr: { ask: ['fhirUser', 'patient/Observation.rs', 'offline_access'] },
    operation: operationDefinition('orders', fhirOut, { settings }),
    credentials: { foreign: { kind: 'jwt-key', algorithm: 'HS256', secret: FOREIGN } },
    signIn: { users: 'staff', secureCookies: false },
    settings: {
      callers: [...FROM_COOKIE, { kind: 'bearer', verifier: 'foreign' }],
      answer: 'target',
    },
  });
  await vi.waitFor(() => fetch(`${app.ehr.base}/metadata`));
});
afterAll(() => app[Symbol.asyncDispose]());

const results = '/api/results';
const of = (type: string): object => ({ interaction: 'search-type', type });
const idsIn = ({ body }: { readonly body: Record<string, unknown> }): readonly unknown[] =>
  ((body['entry'] ?? []) as { resource: { id: string } }[]).map(({ resource }) => resource.id);

test('an operation asks the EHR as whoever sent the message, with a token that is renewed and stands nowhere', async () => {
  const browser = aVisitor(app);
  const [anna, bert] = [
    await app.launch(browser, { patient: 'anna' }),
    await app.launch(browser, { patient: 'bert' }),
  ];
  expect(idsIn(await anna.ask('POST', results, of('Observation')))).toEqual(['o-anna']);
  expect(idsIn(await bert.ask('POST', results, of('Observation')))).toEqual(['o-bert']);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  // with two renewals the EHR would take the second for a theft
  const all = await Promise.all(
    [anna, bert, anna, anna].map((one) => one.ask('POST', results, of('Observation'))),
  );
  expect(all.map(idsIn)).toEqual([['o-anna'], ['o-bert'], ['o-anna'], ['o-anna']]);
  expect(app.ehr.log.join('')).not.toContain('sign-in-reused');
  // the facade signs its tokens with ES384, the app its own with ES256
  const theirs = Buffer.from('{"alg":"ES384"').toString('base64url').slice(0, 16);
  expect(JSON.stringify([app.portal.log, all])).not.toContain(theirs);
});

test('what is asked in one tab repeats nothing that was asked in another for another patient', async () => {
  const browser = aVisitor(app);
  const [anna, bert] = [
    await app.launch(browser, { patient: 'anna' }),
    await app.launch(browser, { patient: 'bert' }),
  ];
  const asked = ({ id }: { readonly id: string }) =>
    browser.ask('POST', results, of('Observation'), { 'x-launched': id, 'idempotency-key': '1' });
  expect(idsIn(await asked(anna))).toEqual(['o-anna']);
  expect(idsIn(await asked(bert))).toEqual(['o-bert']);
  // launched again for the same patient it is a repetition still
  const again = await app.launch(browser, { patient: 'anna' });
  expect(idsIn(await asked(again))).toEqual(['o-anna']);
});

test('what was not granted is told as such, and the end of one session stops nobody else', async () => {
  const browser = aVisitor(app);
  const [anna, bert] = [
    await app.launch(browser, { patient: 'anna' }),
    await app.launch(browser, { patient: 'bert' }),
  ];
  expect((await anna.ask('POST', results, of('Patient'))).status).toBe(403);
  // the person may no longer use the EHR
  app.ehr.users.set('nora-before', app.ehr.users.get('nora') ?? '');
  app.ehr.users.delete('nora');
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const over = await anna.ask('POST', results, of('Observation'));
  expect([over.status, JSON.stringify(over.body)]).toEqual([
    401,
    expect.stringContaining('The session at the EHR is over. Launch the app again.'),
  ]);
  expect((await bert.ask('POST', results, of('Observation'))).status).toBe(401);
  app.ehr.users.set('nora', app.ehr.users.get('nora-before') ?? '');
  const again = await app.launch(browser, { patient: 'bert' });
  expect(idsIn(await again.ask('POST', results, of('Observation')))).toEqual(['o-bert']);
});

test('who was not launched here has no EHR, whatever their token names', async () => {
  const browser = aVisitor(app);
  const anna = await app.launch(browser, { patient: 'anna' });
  const stranger = aVisitor(app);
  await stranger.ask('POST', '/auth/login', { user: 'anna', password: PASSWORD });
  const forged = await new SignJWT({ sid: anna.id, patient: 'anna', sub: 'x' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1m')
    .sign(Buffer.from(FOREIGN));
  const asStranger = await stranger.ask('POST', results, of('Observation'));
  const asForger = await aVisitor(app).ask('POST', results, of('Observation'), {
    authorization: `Bearer ${forged}`,
  });
  expect([asStranger.status, asForger.status]).toEqual([502, 502]);
});

test('what a person sends again is not asked as the one of the launch', async () => {
  await using opened = await openOutbound(fhirOut, { launches: 'portal' });
  const caller = callerText({ name: 'n', claims: { a: 1 }, launch: { realm: 'portal', id: 'x' } });
  const body = Buffer.from('{"resourceType":"Patient"}');
  await expect(opened.send(body, { caller })).rejects.toMatchObject({ retryable: true });
  // nobody knows whose the others were
  await expect(opened.send(body, { caller, joins: 2 })).rejects.toThrow(RejectedError);
  const again = callerWithoutLaunch({ caller });
  expect(again).toBe('{"name":"n","claims":{"a":1}}');
  await expect(opened.send(body, { caller: again })).rejects.toThrow(RejectedError);
  const other = callerText({ name: 'n', claims: {}, launch: { realm: 'other', id: 'x' } });
  await expect(opened.send(body, { caller: other })).rejects.toThrow('the sign-in portal');
});

test('an entry of a batch that is refused does not take away what became of the others', () => {
  const entries = {
    code: '401',
    type: 'application/fhir+json',
    body: Buffer.from('{"resourceType":"Bundle"}'),
    text: 'entry 2: 401',
  };
  const server = { url: new URL('http://ehr.example/fhir'), signIn: undefined };
  expect(launchedReply(entries, server, 200)).toEqual({ ...entries, problems: ['sign-in-over'] });
  expect(launchedReply(entries, server, 401).text).toContain('Launch the app again');
});

const faults = async (given: Readonly<Record<string, unknown>>): Promise<readonly unknown[]> =>
  (
    (await fhirOut.check?.(
      readGiven(fhirOut.settings, given, {
        credentials: { ehr: { kind: 'bearer' } as Credential },
      }),
    )) ?? []
  ).map(({ path }) => path[0]);

test('a check names settings that do not go together, and a realm that no service has', async () => {
  expect(await faults({})).toEqual(['url']);
  expect(await faults({ url: 'https://ehr.example/r4' })).toEqual([]);
  expect(
    await faults({ launches: 'app', url: 'https://ehr.example/r4', credential: 'ehr' }),
  ).toEqual(['url', 'credential']);
  const settings = readGiven(fhirOut.settings, { launches: 'app' });
  const problems = problemList();
  checkLaunches(
    definition({ services: [], operations: [operationDefinition('ehr', fhirOut, { settings })] }),
    problems,
  );
  expect(problems.list().map(({ what }) => what)).toEqual([
    'no service with signIn.smart has the realm app',
  ]);
  // an adapter of the site's own may call something else so
  const own = { ...fhirOut, launchesOf: () => undefined };
  checkLaunches(
    definition({ services: [], operations: [operationDefinition('ehr', own, { settings })] }),
    problems,
  );
  expect(problems.list()).toHaveLength(1);
  const steps = await testSteps(fhirOut, { launches: 'app' });
  expect(steps.map(({ name, result }) => [name, result])).toEqual([['EHR', 'passed']]);
});
