import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Clock, systemClock } from '../../src/time/clock.ts';
import { answer, type Faults, faultQueue } from '../faults.ts';
import { httpsListener } from '../https-listener.ts';
import { checkClient } from './client-check.ts';
import { type EntraApplication, WELL_KNOWN_RESOURCES } from './entra-application.ts';
import { type EntraRefusal, entraRefusal, refusalBody } from './entra-refusal.ts';
import { type EntraTokens, entraTokens, type TokenVerdict } from './entra-tokens.ts';

export interface EntraSandboxOptions {
  readonly applications: readonly EntraApplication[];
  /** Resources besides those of Microsoft 365: `api://lab-results`. */
  readonly resources?: readonly string[];
  readonly tenant?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Lifetime of a token in seconds; 3599 by default, as at Microsoft. */
  readonly lifetime?: number;
  /** Seconds after which a client is told to renew; at Microsoft only tokens valid for a day have it. */
  readonly refreshIn?: number;
  readonly clock?: Clock;
}

export interface EntraRequest {
  readonly method: string;
  readonly path: string;
  readonly clientId: string | undefined;
  /** Only names, since the values are secrets. */
  readonly parameters: readonly string[];
}

/** Entra ID for one tenant, as seen by an application without a user. */
export interface EntraSandbox extends AsyncDisposable {
  readonly url: string;
  readonly tenant: string;
  /** For `authority` of a credential. */
  readonly authority: string;
  /** PEM of the authority that signed the server's certificate, for `trust`. */
  readonly ca: string;
  /** Of the token endpoint. */
  readonly faults: Faults;
  /** The requests, oldest first. */
  readonly requests: readonly EntraRequest[];
  /** Adds an application, or changes one: a new secret, another role. */
  register(application: EntraApplication): void;
  /** Whether a resource would accept the token, and its claims. */
  validate(token: string): Promise<TokenVerdict>;
  /** Makes resources refuse every token issued so far with 401. */
  revoke(): void;
  close(): Promise<void>;
}

/**
 * Starts it on loopback. Faithful to the v2.0 token endpoint for client credentials: metadata,
 * secrets with expiry, certificates by thumbprint, federated tokens, signed tokens with roles, and
 * refusals with AADSTS numbers, trace and correlation ids.
 */
export async function entraSandbox(options: EntraSandboxOptions): Promise<EntraSandbox> {
  const { tenant = randomUUID(), clock = systemClock } = options;
  const listener = await httpsListener({ authority: 'Entra sandbox', port: options.port });
  const tokens = await entraTokens(tenant, clock);
  const faults = faultQueue();
  const requests: EntraRequest[] = [];
  const applications = new Map(options.applications.map((one) => [one.clientId, one]));
  const resources = [...WELL_KNOWN_RESOURCES, ...(options.resources ?? [])];
  const directory: Directory = {
    url: listener.url,
    tenant,
    clock,
    tokens,
    applications,
    resources,
    lifetime: options.lifetime ?? 3_599,
    refreshIn: options.refreshIn,
  };

  listener.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const serve = async (): Promise<void> => {
      const form = new URLSearchParams(await text(request));
      const { method = '', url = '' } = request;
      const { pathname: path } = new URL(url, listener.url);
      const clientId = form.get('client_id') ?? undefined;
      requests.push({ method, path, clientId, parameters: [...form.keys()] });
      const correlation = request.headers['client-request-id']?.toString();
      const body = (refusal: EntraRefusal): object =>
        refusalBody(refusal, correlation, clock.now());
      const isToken = path.endsWith('/token');
      if (isToken && (await faults.meet(request, response, () => body(entraRefusal(90055)))))
        return;
      const found = await answerTo({ method, path, form }, directory);
      if ('number' in found) answer(response, found.status, body(found));
      else answer(response, 200, found);
    };
    // A client that hung up cannot be answered.
    serve().catch(() => response.destroy());
  });

  return {
    url: listener.url,
    tenant,
    authority: listener.url,
    ca: listener.authority.certificate,
    faults,
    requests,
    register: (application) => void applications.set(application.clientId, application),
    validate: tokens.validate,
    revoke: tokens.revoke,
    close: () => listener.close(),
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

interface Directory {
  readonly url: string;
  readonly tenant: string;
  readonly clock: Clock;
  readonly tokens: EntraTokens;
  readonly applications: ReadonlyMap<string, EntraApplication>;
  readonly resources: readonly string[];
  readonly lifetime: number;
  readonly refreshIn: number | undefined;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly form: URLSearchParams;
}

async function answerTo(asked: Asked, directory: Directory): Promise<object | EntraRefusal> {
  const [, tenant = '', ...rest] = asked.path.split('/');
  const route = `${asked.method} /${rest.join('/')}`;
  if (route === 'GET /discovery/instance') return instanceDiscovery(directory);
  if (tenant !== directory.tenant) return entraRefusal(90002, { tenant });
  if (route === 'GET /v2.0/.well-known/openid-configuration') return metadata(directory);
  if (route === 'GET /discovery/v2.0/keys') return directory.tokens.jwks;
  if (route === 'POST /oauth2/v2.0/token') return token(asked.form, directory);
  return entraRefusal(900144, { parameter: 'grant_type' });
}

function instanceDiscovery({ url, tenant }: Directory): object {
  return {
    tenant_discovery_endpoint: `${url}/${tenant}/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [],
  };
}

function metadata({ url, tenant }: Directory): object {
  const base = `${url}/${tenant}`;
  return {
    issuer: `${base}/v2.0`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    token_endpoint_auth_methods_supported: [
      'client_secret_post',
      'private_key_jwt',
      'client_secret_basic',
    ],
    tenant_region_scope: 'EU',
  };
}

async function token(form: URLSearchParams, directory: Directory): Promise<object | EntraRefusal> {
  const missing = ['grant_type', 'client_id', 'scope'].find((name) => !form.get(name));
  if (missing !== undefined) return entraRefusal(900144, { parameter: missing });
  const grant = form.get('grant_type') ?? '';
  if (grant !== 'client_credentials') return entraRefusal(70003, { grant });
  const clientId = form.get('client_id') ?? '';
  const { tenant, url, clock, lifetime, refreshIn } = directory;
  const application = directory.applications.get(clientId);
  if (application === undefined) return entraRefusal(700016, { clientId, tenant });
  const audiences = [`${url}/${tenant}/oauth2/v2.0/token`, `${url}/${tenant}/v2.0`];
  const proof = await checkClient(application, { form, audiences, now: clock.now() });
  if (typeof proof !== 'string') return proof;
  const resource = resourceOf(form.get('scope') ?? '', directory);
  if (typeof resource !== 'string') return resource;
  return {
    token_type: 'Bearer',
    expires_in: lifetime,
    ext_expires_in: lifetime,
    ...(refreshIn !== undefined && { refresh_in: refreshIn }),
    access_token: await directory.tokens.issue({ application, resource, proof, lifetime }),
  };
}

function resourceOf(scope: string, { resources, tenant }: Directory): string | EntraRefusal {
  // MSAL adds those of OpenID Connect, which Entra ignores here.
  const wanted = scope.split(' ').filter((one) => !/^(openid|profile|offline_access)?$/.test(one));
  const [, resource] = /^(.+?)\/?\/\.default$/.exec(wanted[0] ?? '') ?? [];
  if (resource === undefined || wanted.length !== 1) return entraRefusal(1002012, { scope });
  return resources.includes(resource) ? resource : entraRefusal(500011, { resource, tenant });
}
