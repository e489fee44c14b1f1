import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';
import { freePort } from '../../sandbox/free-port.ts';
import { type Visitor, visitor } from './visitor.ts';

/** A real OpenID Connect provider that signs in anybody it is told to, with groups as in Keycloak. */
export interface OidcService extends AsyncDisposable {
  readonly issuer: string;
  readonly jwks: string;
  /** The person at the browser. */
  person: {
    name: string;
    roles: readonly string[];
    /** Of the ID token and userinfo besides; `undefined` leaves one out. */
    claims?: Readonly<Record<string, unknown>>;
  };
  /** Goes from a page that sends browsers to the provider to the address it sends them back to. */
  come(client: Visitor, start: string): Promise<string>;
  /** Does all the steps of a browser: console, provider, console. Resolves to the console's last answer. */
  browse(console: Visitor, provider?: string): Promise<Awaited<ReturnType<Visitor['ask']>>>;
  /** Signs somebody out at the provider, which notifies the console. */
  endSession(name: string): Promise<void>;
  /** Begins to sign with another key, as after a restart: its sessions are over. */
  rotate(): Promise<void>;
  /** A signed token from the provider's services. */
  token(claims: Readonly<Record<string, unknown>>, options?: TokenOptions): Promise<string>;
}

/** What the provider does at the end of a session. */
interface LogsOut {
  backchannelLogout(sub: string, sid: string | undefined): Promise<void>;
}

export interface TokenOptions {
  readonly audience?: string;
  readonly expires?: string;
  readonly issuer?: string;
}

export interface OidcServiceOptions {
  /** `localhost` is another site than 127.0.0.1. */
  readonly host?: string;
  readonly port?: number;
  /** The path beside the callback at which it tells of sign-outs. */
  readonly signedOut?: string;
}

interface NamedKey {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

/** Those of this process, by their names: making one takes a sixth of a second of the processor. */
const keys = new Map<string, Promise<NamedKey>>();

function keyNamed(kid: string): Promise<NamedKey> {
  const known = keys.get(kid) ?? newKey(kid);
  keys.set(kid, known);
  return known;
}

async function newKey(kid: string): Promise<NamedKey> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' } };
}

type Service = Pick<OidcService, 'person'>;

function providerOf(
  service: Service,
  { issuer, redirect, key, signedOut }: ProviderParts,
): Provider {
  return new Provider(issuer, {
    clients: [
      {
        client_id: 'waybill',
        client_secret: 'a secret of the console',
        redirect_uris: [redirect],
        post_logout_redirect_uris: [new URL('/', redirect).href],
        token_endpoint_auth_method: 'client_secret_post',
        backchannel_logout_uri: redirect.replace(/callback$/, signedOut),
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ['a key of the provider'] },
    claims: {
      openid: ['sub'],
      profile: [
        'preferred_username',
        'realm_access',
        'ward',
        'groups',
        'fhirUser',
        'patient',
        '_claim_names',
      ],
    },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
    // the console is on this machine, to which the provider would not connect by itself
    fetch: (url, { dispatcher: _, ...options }: RequestInit & { dispatcher?: unknown } = {}) =>
      fetch(url, options),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        preferred_username: id,
        realm_access: { roles: [...service.person.roles] },
        ...service.person.claims,
      }),
    }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client?.clientId ?? '',
        accountId: oidc.session?.accountId ?? '',
      });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
  });
}

interface ProviderParts {
  readonly issuer: string;
  readonly redirect: string;
  readonly key: JWK;
  readonly signedOut: string;
}

export async function oidcService(
  redirect: string,
  { host = '127.0.0.1', port: given, signedOut = 'logout' }: OidcServiceOptions = {},
): Promise<OidcService> {
  const port = given ?? (await freePort());
  const issuer = `http://${host}:${port}`;
  const service: Service = { person: { name: 'nobody', roles: [] } };
  const { privateKey, jwk } = await keyNamed('first');
  let provider = providerOf(service, { issuer, redirect, key: jwk, signedOut });
  let answer = provider.callback();
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/interaction/') === true) {
      const login = { accountId: service.person.name };
      void provider.interactionFinished(request, response, { login });
    } else void answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  const come = async (client: Visitor, first: string): Promise<string> => {
    const start = await client.ask('GET', first);
    const there = visitor(issuer);
    let next = start.headers.get('location') ?? '';
    while (next.startsWith(issuer)) {
      const { headers } = await there.ask('GET', next);
      next = new URL(headers.get('location') ?? '/', issuer).href;
      if (headers.get('location') === null) throw new Error('the provider stopped on the way');
    }
    return next;
  };
  return Object.assign(service, {
    issuer,
    jwks: `${issuer}/jwks`,
    come,
    async browse(console: Visitor, name = 'keycloak') {
      const first = `/api/v1/sign-in/oidc/${name}?back=/messages`;
      const next = await come(console, first);
      return console.ask('GET', next === '' ? first : next);
    },
    async rotate() {
      const { jwk: key } = await keyNamed('second');
      provider = providerOf(service, { issuer, redirect, key, signedOut });
      answer = provider.callback();
    },
    async endSession(sub: string) {
      const client = await provider.Client.find('waybill');
      if (client === undefined) throw new Error('the client is configured');
      await (client as unknown as LogsOut).backchannelLogout(sub, undefined);
    },
    token: (claims: Readonly<Record<string, unknown>>, options: TokenOptions = {}) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'first' })
        .setIssuer(options.issuer ?? issuer)
        .setAudience(options.audience ?? 'waybill-api')
        .setExpirationTime(options.expires ?? '5m')
        .setIssuedAt()
        .sign(privateKey),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
