import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CredentialError } from '../credential-error.ts';
import type { OAuth2Values } from '../kind/oauth2-settings.ts';
import { refusal } from './refusal.ts';
import { type TokenSource, tokenFrom } from './token.ts';
import type { TokenLent } from './token-lent.ts';
import { type TokenAnswer, type TokenTransport, tokenTransport } from './token-transport.ts';

/** The metadata service of a virtual machine, and the variable that names another one. */
const METADATA = 'http://169.254.169.254';
const METADATA_VARIABLE = 'AZURE_POD_IDENTITY_AUTHORITY_HOST';
/** Where Arc's agent puts the proof that we may read files of this machine. */
const ARC_FOLDERS = new Set([
  '/var/opt/azcmagent/tokens',
  'C:\\ProgramData\\AzureConnectedMachineAgent\\Tokens',
]);

/**
 * The token of the identity that Azure gives to a machine: from App Service and Container Apps (`IDENTITY_ENDPOINT` with
 * `IDENTITY_HEADER`), Azure Arc (`IDENTITY_ENDPOINT` with `IMDS_ENDPOINT`), otherwise the metadata service. By hand and not
 * with MSAL for the same reasons as in `entraSource`.
 */
export function managedIdentitySource(values: OAuth2Values, lent: TokenLent): TokenSource {
  return {
    async fetch(signal) {
      const { credential, clock } = lent;
      // these addresses are of this machine: no proxy leads there
      const reach = { credential, trust: undefined, proxy: undefined, timeout: values.timeout };
      await using transport = tokenTransport(reach, signal);
      const answer = await answerOf(values, lent, transport);
      const now = clock.now();
      const token =
        answer.status === 200 ? tokenFrom(withLifetime(answer, now), { now }) : undefined;
      if (token === undefined) throw refusal(answer, { credential, secrets: [], now });
      return token;
    },
  };
}

async function answerOf(
  { scope = '', clientId }: OAuth2Values,
  { credential, environment }: TokenLent,
  transport: TokenTransport,
): Promise<TokenAnswer> {
  const [endpoint, secret, arc] = ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER', 'IMDS_ENDPOINT'].map(
    (name) => environment[name],
  );
  const query = new URLSearchParams({ resource: scope.replace(/\/\.default$/, '') });
  if (clientId !== '') query.set('client_id', clientId);
  const ask = (from: string, version: string, headers: Readonly<Record<string, string>>) => {
    query.set('api-version', version);
    return transport.ask(new URL(`${from}?${query}`), { method: 'GET', headers });
  };
  if (endpoint !== undefined && secret !== undefined) {
    return await ask(endpoint, '2019-08-01', { 'X-IDENTITY-HEADER': secret });
  }
  if (endpoint !== undefined && arc !== undefined) {
    const challenge = await ask(endpoint, '2020-06-01', { Metadata: 'true' });
    if (challenge.status !== 401) return challenge;
    const proof = await arcProof(credential, challenge.headers['www-authenticate']);
    return await ask(endpoint, '2020-06-01', { Metadata: 'true', Authorization: `Basic ${proof}` });
  }
  const host = (environment[METADATA_VARIABLE] ?? METADATA).replace(/\/+$/, '');
  return await ask(`${host}/metadata/identity/oauth2/token`, '2018-02-01', { Metadata: 'true' });
}

/** Arc's agent asks for the content of a file that only administrators and its own group may read. */
async function arcProof(credential: string, challenge = ''): Promise<string> {
  const [, file = ''] = /^Basic realm="?([^"]+)"?$/i.exec(challenge.trim()) ?? [];
  const failed = (cause: string): CredentialError =>
    new CredentialError('CREDENTIAL_REFUSED', credential, {
      cause,
      remedy: 'Add the account of the engine to the group himds, and look at the log of azcmagent',
    });
  // another program on that port would otherwise be told any file of this machine
  if (!ARC_FOLDERS.has(dirname(file)) || !file.endsWith('.key')) {
    throw failed('the agent of Azure Arc asked for a file outside its own folder');
  }
  const text = await readFile(file, 'utf8').catch(() => {
    throw failed(`${file}, the proof for the agent of Azure Arc, cannot be read`);
  });
  return text.trim();
}

/** App Service gives only the moment at which it ends, in seconds. */
function withLifetime({ body }: TokenAnswer, now: number): TokenAnswer['body'] {
  const until = Number(body?.['expires_on']);
  if (body?.['expires_in'] !== undefined || !Number.isFinite(until)) return body;
  return { ...body, expires_in: Math.floor(until - now / 1_000) };
}
