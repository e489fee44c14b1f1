import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { type EntraSandbox, entraSandbox } from '../../sandbox/entra/entra-sandbox.ts';
import {
  type GraphSandbox,
  type GraphSandboxOptions,
  graphSandbox,
} from '../../sandbox/graph/graph-sandbox.ts';
import type { TokenCredential } from '../../src/adapter/index.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const HUB = 'hub@hospital.example';
export const WARD = 'ward@hospital.example';

/** Entra and Graph with two mailboxes, and an application that may use them. */
export interface GraphLab extends AsyncDisposable {
  readonly entra: EntraSandbox;
  readonly graph: GraphSandbox;
  /** The path of Graph's authority, for `trust`. */
  readonly trust: string;
  readonly credential: TokenCredential & { readonly asked: boolean[] };
  /** The settings for the first mailbox. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Gives the application other permissions, for tokens fetched from now on. */
  grant(...roles: string[]): void;
}

export interface GraphLabOptions extends Partial<Omit<GraphSandboxOptions, 'entra'>> {
  readonly roles?: readonly string[];
  readonly resource?: string;
}

const CLIENT = '7c1f7b2e-0d53-4f1e-8f3e-52a3c1a5d001';
const SECRET = 'graph-lab-secret';

export async function graphLab(options: GraphLabOptions = {}): Promise<GraphLab> {
  const { roles = ['Mail.Send', 'Mail.ReadWrite'], resource = 'https://graph.microsoft.com' } =
    options;
  const folder = await temporaryFolder('graph');
  const application = (granted: readonly string[]) => ({
    clientId: CLIENT,
    secrets: [{ value: SECRET }],
    roles: { [resource]: granted },
  });
  const entra = await entraSandbox({ applications: [application(roles)] });
  const graph = await graphSandbox({ mailboxes: [HUB, WARD], ...options, entra });
  const trust = join(folder.path, 'ca.pem');
  await writeFile(trust, graph.ca);
  const credential = fetchedTokens(entra, resource);
  return {
    entra,
    graph,
    trust,
    credential,
    given: { url: graph.url, tls: { trust }, credential: 'graph', mailbox: HUB },
    grant: (...granted) => entra.register(application(granted)),
    async [Symbol.asyncDispose]() {
      await graph.close();
      await entra.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A short version of the engine's: one token is cached, and replaced when it is refused. */
function fetchedTokens(entra: EntraSandbox, resource: string): GraphLab['credential'] {
  const asked: boolean[] = [];
  let held: string | undefined;
  return {
    kind: 'oauth2',
    asked,
    async token(_signal, { fresh = false } = {}) {
      asked.push(fresh);
      if (held === undefined || fresh) held = await fetchToken(entra, resource);
      return held;
    },
  };
}

async function fetchToken({ url, tenant, ca }: EntraSandbox, resource: string): Promise<string> {
  const dispatcher = new Agent({ connect: { ca } });
  try {
    const answer = await request(`${url}/${tenant}/oauth2/v2.0/token`, {
      method: 'POST',
      dispatcher,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: CLIENT,
        client_secret: SECRET,
        scope: `${resource}/.default`,
      }).toString(),
    });
    return ((await answer.body.json()) as { access_token: string }).access_token;
  } finally {
    await dispatcher.destroy();
  }
}
