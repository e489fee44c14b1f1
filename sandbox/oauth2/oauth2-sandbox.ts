import type { Server } from 'node:https';
import type { Provider } from 'oidc-provider';
import type { IssuedCertificate } from '../../src/credential/certificate-maker.ts';
import { type FaultQueue, type Faults, faultQueue } from '../faults.ts';
import { httpsListener } from '../https-listener.ts';
import { type Introspection, introspection } from './introspection.ts';
import { memoryAdapter } from './memory-adapter.ts';
import { clientMetadata, type OAuth2SandboxClient } from './oauth2-client.ts';
import { serverConfiguration, signingKey } from './server-configuration.ts';

export interface OAuth2SandboxOptions {
  readonly clients: readonly OAuth2SandboxClient[];
  /** What may be asked for without a resource. */
  readonly scopes?: readonly string[];
  /** Resource server → the scopes it knows. */
  readonly resources?: Readonly<Record<string, readonly string[]>>;
  /** Seconds a token lives; 600 by default. */
  readonly lifetime?: number;
  /** Default: a free one. */
  readonly port?: number;
}

/** A real OAuth2 server: oidc-provider, for clients that sign in as themselves. */
export interface OAuth2Sandbox extends AsyncDisposable {
  /** Also the issuer; `/.well-known/openid-configuration` is below it. */
  readonly url: string;
  readonly tokenUrl: string;
  /** PEM: what goes under `trust`. */
  readonly ca: string;
  /** Of the token endpoint. */
  readonly faults: Faults;
  /** How often the token endpoint was asked. */
  readonly tokenRequests: number;
  /** Adds a client or changes one: a new secret, new keys. */
  register(client: OAuth2SandboxClient): Promise<void>;
  /** A certificate with which a client of that name may prove itself. */
  clientCertificate(name: string): IssuedCertificate;
  /** What a resource server learns of a token, opaque or signed. */
  introspect(token: string): Promise<Introspection>;
  close(): Promise<void>;
}

/** Starts it on loopback. */
export async function oauth2Sandbox(options: OAuth2SandboxOptions): Promise<OAuth2Sandbox> {
  const { scopes = [], resources = {}, lifetime = 600 } = options;
  // Loaded when it is needed: no production has it.
  const { Provider, errors } = await import('oidc-provider');
  const listener = await httpsListener({
    authority: 'OAuth2 sandbox',
    port: options.port,
    clientCertificates: true,
  });
  const adapter = memoryAdapter();
  const unknownResource = (): Error => new errors.InvalidTarget('unknown resource');
  const signing = await signingKey();
  const parts = { adapter, signing, scopes, resources, lifetime, unknownResource };
  const provider = new Provider(listener.url, serverConfiguration(parts));
  const register = async (client: OAuth2SandboxClient): Promise<void> => {
    await adapter('Client').upsert(client.clientId, clientMetadata(client));
  };
  for (const client of options.clients) await register(client);
  const faults = faultQueue();
  const served = { tokens: 0 };
  serve(listener.server, { provider, faults, served });

  return {
    url: listener.url,
    tokenUrl: `${listener.url}/token`,
    ca: listener.authority.certificate,
    faults,
    get tokenRequests() {
      return served.tokens;
    },
    register,
    clientCertificate: (name) =>
      listener.authority.issue({ commonName: name, names: [`DNS:${name}`], use: ['client'] }),
    introspect: introspection(provider, signing.publicKey),
    close: () => listener.close(),
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

interface Serving {
  readonly provider: Provider;
  readonly faults: FaultQueue;
  /** Counted up. */
  readonly served: { tokens: number };
}

const tooMany = (): object => ({ error: 'temporarily_unavailable' });

function serve(server: Server, { provider, faults, served }: Serving): void {
  const usual = provider.callback();
  server.on('request', (request, response) => {
    const answerIt = async (): Promise<void> => {
      const isToken = request.url === '/token';
      if (isToken) served.tokens += 1;
      if (isToken && (await faults.meet(request, response, tooMany))) return;
      await usual(request, response);
    };
    // A client that hung up is gone; there is nobody left to tell.
    answerIt().catch(() => response.destroy());
  });
}
