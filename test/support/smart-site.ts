import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import fhirIn from '../../adapters/fhir/fhir-in.ts';
import { freePort } from '../../sandbox/free-port.ts';
import type { Credential } from '../../src/adapter/credential.ts';
import type { Records } from '../../src/adapter/records.ts';
import type { CredentialKind } from '../../src/adapter/setting.ts';
import { records } from '../../src/broker/records.ts';
import { rootLogger } from '../../src/log/logger.ts';
import type { Message, Reply } from '../../src/message/message.ts';
import { definition, operationDefinition, serviceDefinition } from './definition.ts';
import { testOutbound } from './loopback-adapter.ts';
import { startNats } from './nats.ts';
import { readGiven } from './open-adapter.ts';
import { hashOf, PASSWORD } from './portal.ts';
import { run } from './running.ts';
import { type Visitor, visitor } from './visitor.ts';

const place = { file: 'production.yaml', line: 1, column: 1 };

export interface SmartSite extends AsyncDisposable {
  /** The base address, at the first engine, and the same service at the second. */
  readonly base: string;
  readonly other: string;
  readonly users: Map<string, string>;
  /** Signs launches, as the EHR does. */
  readonly launchSecret: string;
  /** The private key of the backend service, in PEM. */
  readonly backendKey: string;
  readonly log: readonly string[];
  /** What its engines keep of subscriptions. */
  readonly subscriptions: Records;
}

export interface SmartSiteGiven {
  readonly app: string;
  readonly server?: Readonly<Record<string, unknown>>;
  /** The port of the first engine. */
  readonly port?: number;
  /** The keys (PEM) of the application `signed` and of the backend service. */
  readonly keys?: KeyPair;
}

export const SECRET = 'a secret of an application';

/** Everybody's observations: the facade has to filter. */
const PATIENTS = ['anna', 'bert', 'carl'];

function answer(): Reply {
  const entry = PATIENTS.map((id) => ({
    resource: {
      resourceType: 'Observation',
      id: `o-${id}`,
      subject: { reference: `Patient/${id}` },
    },
  }));
  const body = { resourceType: 'Bundle', type: 'searchset', total: entry.length, entry };
  return { body: Buffer.from(JSON.stringify(body)), type: 'application/fhir+json', code: '200' };
}

interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

export const keyPair = (): KeyPair =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-384',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

/** An authorization server with its facade, on two engines that share NATS. */
export async function smartSite({
  app,
  server = {},
  port: first,
  keys = keyPair(),
}: SmartSiteGiven): Promise<SmartSite> {
  const nats = await startNats();
  const log: string[] = [];
  const [own, backend] = [keyPair(), keys];
  const launchSecret = randomBytes(32).toString('hex');
  const password = await hashOf(PASSWORD);
  const users = new Map([
    [
      'nora',
      JSON.stringify({
        password,
        scope: 'user/*.rs',
        fhirUser: 'Practitioner/n',
        patient: ['anna', { id: 'Patient/bert', name: 'Bert <Doe>' }],
      }),
    ],
    ['pat', JSON.stringify({ password, patient: 'Patient/anna' })],
    ['zed', password],
  ]);
  const ports = [first ?? (await freePort()), await freePort()] as const;
  const base = `http://127.0.0.1:${ports[0]}/fhir`;
  const credentials: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    'smart-key': { kind: 'jwt-key', algorithm: 'ES384', privateKey: own.privateKey },
    'launch-key': { kind: 'jwt-key', algorithm: 'HS256', secret: launchSecret, audience: 'launch' },
    'backend-key': { kind: 'jwt-key', algorithm: 'ES384', publicKey: backend.publicKey },
    secret: { kind: 'bearer', token: SECRET },
    client: { kind: 'bearer', token: 'a secret of the console' },
  };
  const scopes = [
    'launch',
    'launch/patient',
    'patient/*.rs',
    'user/*.cruds',
    'openid',
    'fhirUser',
    'offline_access',
  ];
  const given = (port: number): Record<string, unknown> => ({
    listen: `127.0.0.1:${port}`,
    publicUrl: base,
    resources: ['Observation', 'Patient', 'Subscription'],
    cors: { origins: [new URL(app).origin] },
    smart: {
      server: {
        key: 'smart-key',
        users: 'staff',
        launchKey: 'launch-key',
        clients: [
          { id: 'app', title: 'Growth <chart>', redirects: [app], scopes },
          { id: 'web', redirects: [app], scopes, secret: 'secret' },
          { id: 'signed', redirects: [app], scopes, key: 'backend-key' },
          { id: 'backend', backend: true, key: 'backend-key', scopes: ['system/Observation.rs'] },
          { id: 'rs', introspects: true, secret: 'secret', scopes: [] },
        ],
        ...server,
      },
    },
  });
  const running = await Promise.all(
    ports.map((port) =>
      run(
        nats,
        definition({
          services: [
            serviceDefinition('fhir', fhirIn, {
              settings: readGiven(fhirIn.settings, given(port), {
                names: ['staff'],
                // only their kinds are looked at
                credentials: credentials as unknown as Readonly<Record<string, Credential>>,
              }),
              to: ['repository'],
            }),
          ],
          operations: [
            operationDefinition(
              'repository',
              testOutbound((_: Message) => answer()),
            ),
          ],
          rest: {
            credentials: new Map(
              Object.entries(credentials).map(
                ([name, { kind, ...values }]) =>
                  [
                    name,
                    {
                      kind: kind as CredentialKind,
                      values,
                      place,
                      files: [],
                    },
                  ] as const,
              ),
            ),
            lookups: {
              names: ['staff'],
              lookup: (_, name, otherwise = '') => users.get(name) ?? otherwise,
            },
          },
        }),
        rootLogger('trace', { write: (line) => void log.push(line) }),
      ),
    ),
  );
  const [engineOne] = running;
  if (engineOne === undefined) throw new Error('no engine');
  return {
    base,
    other: base.replace(`${ports[0]}`, `${ports[1]}`),
    users,
    launchSecret,
    backendKey: backend.privateKey,
    log,
    subscriptions: records(engineOne.engine.keyed, 'subscriptions'),
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map((one) => one.stop()));
      await nats[Symbol.asyncDispose]();
    },
  };
}

const challengeOf = (verifier: string): string =>
  createHash('sha256').update(verifier).digest('base64url');

/** An application's request, which a test changes in one place. */
export const asked = (
  site: SmartSite,
  app: string,
  more: Readonly<Record<string, string>> = {},
): URLSearchParams =>
  new URLSearchParams({
    response_type: 'code',
    client_id: 'app',
    redirect_uri: app,
    state: 'the state of the app',
    aud: site.base,
    scope: 'launch/patient patient/*.rs openid fhirUser offline_access',
    code_challenge: challengeOf(VERIFIER),
    code_challenge_method: 'S256',
    ...more,
  });

export const VERIFIER = 'v'.repeat(43);

/** A person in a browser of their own, at the page of a request. */
export async function atPage(
  site: SmartSite,
  query: URLSearchParams,
  asking: Readonly<Record<string, string>> = {},
): Promise<{
  readonly browser: Visitor;
  readonly page: Awaited<ReturnType<Visitor['ask']>>;
  /** Enters something; resolves to where the browser goes, or to the next page. */
  readonly enter: (
    fields: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Awaited<ReturnType<Visitor['ask']>>>;
}> {
  const browser = visitor(site.base);
  let page = await browser.ask('GET', `${site.base}/auth/authorize?${query}`, undefined, asking);
  return {
    browser,
    page,
    enter: async (fields, headers = {}) => {
      const [, request = ''] =
        /name="request" value="([^"]*)"/.exec(JSON.stringify(page.body).replaceAll('\\"', '"')) ??
        [];
      page = await browser.ask(
        'POST',
        `${site.base}/auth/authorize`,
        new URLSearchParams({ request, decision: 'allow', ...fields }),
        headers,
      );
      return page;
    },
  };
}

/** The answer that a browser takes back to the application. */
export const backWith = ({ headers }: { readonly headers: Headers }): Record<string, string> =>
  Object.fromEntries(new URL(headers.get('location') ?? 'http://nowhere/').searchParams);

export interface TokenAnswer {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly id_token: string;
  readonly scope: string;
  readonly patient?: string;
  readonly encounter?: string;
  readonly error?: string;
  readonly error_description?: string;
}

export async function tokenFor(
  site: Pick<SmartSite, 'base'>,
  fields: Readonly<Record<string, string>>,
  {
    at = site.base,
    path = 'token',
    headers = {},
  }: {
    readonly at?: string;
    readonly path?: string;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Promise<TokenAnswer & { readonly status: number }> {
  const answered = await fetch(`${at}/auth/${path}`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(fields),
  });
  const text = await answered.text();
  return { status: answered.status, ...(JSON.parse(text === '' ? '{}' : text) as TokenAnswer) };
}
