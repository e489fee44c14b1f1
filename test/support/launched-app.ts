import { SignJWT } from 'jose';
import httpIn from '../../adapters/http/http-in.ts';
import { freePort } from '../../sandbox/free-port.ts';
import type { OperationDefinition } from '../../src/definition/definition.ts';
import { testSteps } from './open-adapter.ts';
import type { Asked } from './operator.ts';
import { PASSWORD, type Portal, portal } from './portal.ts';
import { atPage, keyPair, SECRET, type SmartSite, smartSite } from './smart-site.ts';
import { type Visitor, visitor } from './visitor.ts';

/** An app behind `http-in` at two engines, and an EHR: our own facade with its authorization server. */
export interface LaunchedApp extends AsyncDisposable {
  readonly ehr: SmartSite;
  readonly portal: Portal;
  readonly url: string;
  readonly other: string;
  /** The address by which the EHR launches the app. */
  launchUrl(context: Readonly<Record<string, unknown>>, more?: LaunchMore): Promise<string>;
  /** Goes from there to where the EHR sends the browser back to. */
  come(
    browser: Visitor,
    address: string,
    fields?: Readonly<Record<string, string>>,
  ): Promise<string>;
  /** A launch from beginning to end. */
  launch(browser: Visitor, context: Readonly<Record<string, unknown>>): Promise<Launched>;
}

interface LaunchMore {
  readonly iss?: string;
  readonly expires?: string;
}

export interface Launched {
  readonly id: string;
  /** Asks as the page of this launch does. */
  ask(method: string, path: string, body?: unknown): Promise<Asked<Record<string, unknown>>>;
}

export interface LaunchedAppGiven {
  /** Of the EHR at the app. */
  readonly ehr?: Readonly<Record<string, unknown>>;
  /** Of the authorization server. */
  readonly server?: Readonly<Record<string, unknown>>;
  readonly smart?: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly signIn?: Readonly<Record<string, unknown>>;
  readonly operation?: OperationDefinition;
  readonly credentials?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export const FROM_COOKIE = [
  { kind: 'bearer', verifier: 'portal-key', from: ['header', 'cookie:portal_access'] },
];

export async function launchedApp(given: LaunchedAppGiven = {}): Promise<LaunchedApp> {
  const port = await freePort();
  const fhir = `http://127.0.0.1:${port}/fhir`;
  const keys = keyPair();
  const app = await portal({
    engines: 2,
    credentials: {
      secret: { kind: 'bearer', token: SECRET },
      'app-key': { kind: 'jwt-key', algorithm: 'ES384', privateKey: keys.privateKey },
      ...given.credentials,
    },
    ...(given.operation && { operation: given.operation }),
    settings: { callers: FROM_COOKIE, scopes: [], ...given.settings },
    signIn: {
      cookies: 'both',
      secureCookies: false,
      smart: {
        ehrs: [
          { fhir: `${fhir}/`, clientId: 'app', ask: ASK, ...given.ehr },
          { fhir: 'https://another.example/fhir', clientId: 'other' },
        ],
        ...given.smart,
      },
      ...given.signIn,
    },
  });
  const [url = '', other = ''] = app.urls;
  const { server } = given;
  const ehr = await smartSite({
    app: `${url}/auth/launched`,
    port,
    keys,
    ...(server && { server }),
  });
  const self: LaunchedApp = {
    ehr,
    portal: app,
    url,
    other,
    async launchUrl(context, { iss = ehr.base, expires = '2m' } = {}) {
      const launch = await new SignJWT({ ...context })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuedAt()
        .setAudience('launch')
        .setExpirationTime(expires)
        .sign(Buffer.from(ehr.launchSecret));
      return `${url}/auth/launch?${new URLSearchParams({ iss, launch })}`;
    },
    async come(browser, address, fields = {}) {
      const begun = await browser.ask('GET', address);
      const to = new URL(begun.headers.get('location') ?? `${url}/?${JSON.stringify(begun.body)}`);
      if (!to.href.startsWith(ehr.base)) throw new Error(`not sent to the EHR: ${to.href}`);
      const there = await atPage(ehr, to.searchParams);
      const answer =
        there.page.status === 200
          ? await there.enter({ user: 'nora', password: PASSWORD, ...fields })
          : there.page;
      return answer.headers.get('location') ?? '';
    },
    async launch(browser, context) {
      const back = await self.come(browser, await self.launchUrl(context));
      const done = await browser.ask('GET', back);
      const at = new URL(done.headers.get('location') ?? `/?${JSON.stringify(done.body)}`, url);
      const id = at.searchParams.get('launched');
      if (id === null)
        throw new Error(`not launched: ${app.log.findLast((line) => line.includes('Refused'))}`);
      return {
        id,
        ask: (method, path, body) => browser.ask(method, path, body, { 'x-launched': id }),
      };
    },
    async [Symbol.asyncDispose]() {
      await ehr[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
    },
  };
  return self;
}

const ASK = ['fhirUser', 'launch/patient', 'patient/*.rs', 'offline_access'];

export const aVisitor = (app: LaunchedApp): Visitor => visitor(app.url);

/** What a trial of such an app says of its EHR. */
export async function ehrTrial(
  ehr: Readonly<Record<string, unknown>>,
  publicUrl: string,
): ReturnType<typeof testSteps> {
  const steps = await testSteps(
    httpIn,
    {
      listen: `127.0.0.1:${await freePort()}`,
      path: '/api/*',
      callers: FROM_COOKIE,
      signIn: { key: 'portal-key', cookies: 'both', publicUrl, smart: { ehrs: [ehr] } },
    },
    {
      credentials: {
        secret: { kind: 'bearer', token: () => Promise.resolve('another secret') },
        'portal-key': { kind: 'bearer', token: () => Promise.resolve('x') },
      },
      verifiers: { 'portal-key': { verify: () => Promise.reject(new TypeError('unused')) } },
    },
  );
  return steps.filter(({ name }) => ['ehr', 'clock', 'client', 'redirect'].includes(name));
}
