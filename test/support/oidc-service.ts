import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';
import { freePort } from '../../sandbox/free-port.ts';
import { type Visitor, visitor } from './visitor.ts';

/** A real OpenID Connect provider that signs in anybody it is told to, with groups as in Keycloak. */
export interface OidcService extends AsyncDisposable {
  readonly issuer: string;
  readonly jwks: string;
  /** The person at the browser. */
  person: { name: string; roles: readonly string[] };
  /** Does all the steps of a browser: console, provider, console. Resolves to the console's last answer. */
  browse(console: Visitor, provider?: string): Promise<Awaited<ReturnType<Visitor['ask']>>>;
  /** Signs somebody out at the provider, which notifies the console. */
  endSession(name: string): Promise<void>;
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

export async function oidcService(redirect: string): Promise<OidcService> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: 'first', alg: 'RS256', use: 'sig' };
  const service = { person: { name: 'nobody', roles: [] as readonly string[] } };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'waybill',
        client_secret: 'a secret of the console',
        redirect_uris: [redirect],
        post_logout_redirect_uris: [new URL('/', redirect).href],
        token_endpoint_auth_method: 'client_secret_post',
        backchannel_logout_uri: redirect.replace(/callback$/, 'logout'),
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ['a key of the provider'] },
    claims: { openid: ['sub'], profile: ['preferred_username', 'realm_access'] },
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
  const answer = provider.callback();
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/interaction/') === true) {
      const login = { accountId: service.person.name };
      void provider.interactionFinished(request, response, { login });
    } else void answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return Object.assign(service, {
    issuer,
    jwks: `${issuer}/jwks`,
    async browse(console: Visitor, name = 'keycloak') {
      const start = await console.ask('GET', `/api/v1/sign-in/oidc/${name}?back=/messages`);
      const there = visitor(issuer);
      let next = start.headers.get('location') ?? '';
      while (next.startsWith(issuer)) {
        const { headers } = await there.ask('GET', next);
        next = new URL(headers.get('location') ?? '/', issuer).href;
        if (headers.get('location') === null) throw new Error('the provider stopped on the way');
      }
      if (next === '') return start;
      return console.ask('GET', next);
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
