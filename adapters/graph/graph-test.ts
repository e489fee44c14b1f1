import { type Lent, type Step, StepFailure, stepFailure } from 'waybill/adapter';
import { describeClaims, tokenClaims } from 'waybill/peer/basics';
import { tryReaching } from 'waybill/peer/http';
import { GraphClient, reachedBy } from './graph-client.ts';
import { readingFailure } from './graph-failure.ts';
import { folderId } from './graph-folder.ts';
import type { GraphInSettings } from './graph-in-settings.ts';
import type { GraphOutValues } from './graph-out-settings.ts';
import type { GraphSettings, GraphValues } from './graph-settings.ts';

/** The steps of a connection test in both directions; `look` is the last one. */
export interface GraphTest<S extends GraphSettings> {
  readonly lent: Lent<S>;
  readonly settings: GraphValues;
  readonly step: Step;
  /** Application permissions; one of each group is needed. */
  readonly needs: readonly (readonly string[])[];
}

/** Name, TCP, the proxy if there is one, TLS, the token and its content, and the permissions in it. */
async function testAccess<S extends GraphSettings>({
  lent,
  settings,
  step,
  needs,
}: GraphTest<S>): Promise<GraphClient> {
  await tryReaching(lent, step, { url: settings.url, values: reachedBy(settings) });
  const client = await GraphClient.open(lent, settings);
  const claims = await step('sign-in', async (detail) => {
    const found = tokenClaims(await client.token(lent.signal).catch(rethrown));
    detail(found === undefined ? 'a token without readable content' : describeClaims(found));
    return found;
  });
  await step('permission', (detail) => {
    if (claims !== undefined) checkAudience(claims.audience, settings.url);
    const missing = needs.filter(
      (roles) => !roles.some((one) => claims?.roles.includes(one) ?? true),
    );
    if (missing.length > 0) {
      throw new StepFailure(
        `the token lacks ${missing.map((roles) => roles.join(' or ')).join(', ')}`,
        'Grant it as an application permission of Microsoft Graph, with the consent of an administrator',
      );
    }
    detail(`granted: ${needs.map((roles) => roles.join(' or ')).join(', ')}`);
  });
  return client;
}

/** The application id of Microsoft Graph, which some tokens use instead of the name. */
const GRAPH = '00000003-0000-0000-c000-000000000000';

const CLOUDS = new Set([
  'https://graph.microsoft.com',
  'https://graph.microsoft.us',
  'https://dod-graph.microsoft.us',
  'https://microsoftgraph.chinacloudapi.cn',
]);

/** A token for another service also lacks the permissions: the scope is what is wrong. */
function checkAudience(audience: string, { origin }: URL): void {
  const meant = audience.replace(/\/+$/, '');
  const isFor = meant === '' || meant === GRAPH || meant === origin;
  // Graph behind another address, such as a gateway, uses tokens for Graph itself
  if (isFor || (!CLOUDS.has(origin) && CLOUDS.has(meant))) return;
  throw new StepFailure(
    `the token is for ${audience}, not for Microsoft Graph`,
    `Set the scope of the credential to ${origin}/.default`,
  );
}

function rethrown(error: unknown): never {
  throw stepFailure(error);
}

/** One request to Graph as a step, with a refusal in plain words. */
async function asked<Value>(
  client: GraphClient,
  { settings, needs }: Pick<GraphTest<GraphSettings>, 'settings' | 'needs'>,
  question: () => Promise<Value>,
): Promise<Value> {
  try {
    return await question();
  } catch (error) {
    const flat = needs.map((roles) => roles.join(' or ')).join(', ');
    const failure = { place: client.place, mailbox: settings.mailbox, needs: flat };
    throw stepFailure(readingFailure(error, failure));
  }
}

/** Nothing is sent. With only Mail.Send, the mailbox itself cannot be read. */
export async function testSending<S extends GraphSettings>(
  lent: Lent<S> & { readonly settings: GraphOutValues },
  step: Step,
): Promise<void> {
  const { settings, signal } = lent;
  const isOnce = settings.sending === 'once';
  const needs = isOnce ? [['Mail.Send'], ['Mail.ReadWrite']] : [['Mail.Send']];
  const client = await testAccess({ lent, settings, step, needs });
  try {
    if (!isOnce) return;
    await step('mailbox', async (detail) => {
      const query = '/mailFolders/drafts?$select=id,totalItemCount';
      const json = await asked(client, { settings, needs }, () =>
        client.ask('GET', query, { signal }),
      );
      detail(`${settings.mailbox} exists; it has ${Number(json['totalItemCount'])} drafts`);
    });
  } finally {
    await client.close();
  }
}

/** Looks at the folder and changes nothing. */
export async function testReading(lent: Lent<GraphInSettings>, step: Step): Promise<void> {
  const { settings, signal } = lent;
  const isReadOnly = settings.afterwards === 'keep';
  const needs = isReadOnly ? [['Mail.Read', 'Mail.ReadWrite']] : [['Mail.ReadWrite']];
  const client = await testAccess({ lent, settings, step, needs });
  try {
    await step('folder', async (detail) => {
      const json = await asked(client, { settings, needs }, async () => {
        const id = await folderId(client, settings.folder, { signal, make: false });
        return client.ask('GET', `/mailFolders/${id}`, { signal });
      });
      detail(
        `${settings.folder} of ${settings.mailbox} has ${Number(json['totalItemCount'])} mails`,
      );
    });
  } finally {
    await client.close();
  }
}
