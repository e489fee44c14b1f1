import { createServer } from 'node:http';
import { decodeJwt, exportJWK, generateKeyPair, type JWK } from 'jose';
import { Provider } from 'oidc-provider';
import { freePort } from '../../sandbox/free-port.ts';

/** A real authorization server as SMART on FHIR needs one: code and PKCE, refresh, one patient a launch. */
export interface SmartAuthority extends AsyncDisposable {
  readonly issuer: string;
  /** What the app asked for at the authorization endpoint. */
  readonly asked: readonly URLSearchParams[];
  /** Said beside the tokens from now on, besides the patient or instead. */
  told: Readonly<Record<string, unknown>>;
  /** Whether it knows no app any more. */
  forgot: boolean;
}

export interface SmartAuthorityOptions {
  /** The app's page. */
  readonly app: string;
  /** The base address of the FHIR server. */
  readonly fhir: string;
  /** The patient whom the EHR has open, by its launch token; `''` is who is chosen without one. */
  readonly patients: Readonly<Record<string, string>>;
}

const SCOPES = 'launch launch/patient patient/*.rs offline_access openid';

const patientOf = (account: string | undefined): string => account?.replace(/^of-/, '') ?? '';

/** One for this process: making one takes a sixth of a second of the processor. */
let made: Promise<JWK> | undefined;

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: 'first', alg: 'RS256', use: 'sig' };
}

/** Signs in whoever comes; the patient is part of the account's name. */
export async function smartAuthority({
  app,
  fhir,
  patients,
}: SmartAuthorityOptions): Promise<SmartAuthority> {
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const key = await (made ??= newKey());
  const asked: URLSearchParams[] = [];
  const self: Omit<SmartAuthority, typeof Symbol.asyncDispose> = {
    issuer,
    asked,
    told: {},
    forgot: false,
  };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'app',
        redirect_uris: [app],
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ['a key of the provider'] },
    scopes: SCOPES.split(' '),
    extraParams: ['launch', 'aud'],
    clientBasedCORS: (_context, origin) => origin === new URL(app).origin,
    issueRefreshToken: () => true,
    extraTokenClaims: (_context, token) => ({
      patient: patientOf('accountId' in token ? token.accountId : undefined),
    }),
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => fhir,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: SCOPES,
          audience: fhir,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client?.clientId ?? '',
        accountId: oidc.session?.accountId ?? '',
      });
      grant.addOIDCScope(SCOPES);
      grant.addResourceScope(fhir, SCOPES);
      await grant.save();
      return grant;
    },
  });
  // SMART tells the patient beside the tokens
  provider.use(async (context, next) => {
    await next();
    const { body, path } = context as { readonly body: unknown; readonly path: string };
    const { access_token: token } = Object(body) as { readonly access_token?: string };
    if (path !== '/token' || token === undefined) return;
    const { patient } = decodeJwt<{ patient: string }>(token);
    context.body = { ...(body as object), patient, ...self.told };
  });
  const answer = provider.callback();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', issuer);
    if (pathname === '/auth') asked.push(searchParams);
    if (pathname === '/token' && self.forgot) {
      response.writeHead(401, { 'content-type': 'application/json' });
      return void response.end('{"error":"invalid_client"}');
    }
    if (!pathname.startsWith('/interaction/')) return void answer(request, response);
    const finish = async (): Promise<void> => {
      const { params } = await provider.interactionDetails(request, response);
      const launch = typeof params['launch'] === 'string' ? params['launch'] : '';
      const login = { accountId: `of-${patients[launch] ?? ''}` };
      await provider.interactionFinished(request, response, { login });
    };
    // the browser is closed on the way
    return void finish().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve));
  return Object.assign(self, {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
