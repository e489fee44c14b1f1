import { createHmac } from 'node:crypto';
import { type Credential, DisableError, type TokenCredential } from 'waybill/adapter';
import type { AzureValues } from './azure-settings.ts';

export type SigningWay = 'key' | 'signature' | 'token';

/** Where a container is, and how its requests are signed. */
export interface AzureSite {
  /** Without a slash at its end. */
  readonly container: URL;
  readonly way: SigningWay;
  /** When the signature ends, in milliseconds since 1970, if it says so. */
  readonly until?: number | undefined;
  /** How it is signed in, for people. */
  readonly as: string;
  /** Undefined where a new token cannot be had: then a 401 is final. */
  readonly renewable: boolean;
  sign(unsigned: Unsigned, signing: Signing): Promise<AzureSigned>;
}

export interface AzureSigned extends Pick<Unsigned, 'url' | 'headers'> {
  /** With which it was signed, if with one. */
  readonly token?: string;
}

export interface Signing {
  /** The token that was refused: another one is needed. */
  readonly refused?: string | undefined;
  readonly signal: AbortSignal;
}

type Where = Pick<AzureValues, 'account' | 'endpoint' | 'container'>;

/** Throws a DisableError if the credential cannot be used, or says not enough. */
export async function azureSite(
  where: Where,
  credential: Credential,
  signal: AbortSignal,
): Promise<AzureSite> {
  if (credential.kind === 'basic') {
    const account = { account: credential.user, key: credential.password };
    return byKey({ ...where, account: where.account ?? credential.user }, account);
  }
  if (credential.kind === 'oauth2') return byToken(where, credential);
  if (credential.kind !== 'bearer') {
    throw new DisableError(
      `A credential of kind ${credential.kind} is of no use here. Use basic, bearer or oauth2.`,
    );
  }
  const text = (await credential.token(signal)).trim();
  if (/(^|;)(AccountName|BlobEndpoint|UseDevelopmentStorage)=/i.test(text)) {
    return byConnectionString(where, text);
  }
  return /(^|[?&])sig=/.test(text) ? bySas(where, text) : byToken(where, credential);
}

function byKey(where: Where, key: { readonly account: string; readonly key: string }): AzureSite {
  return {
    container: containerOf(where),
    way: 'key',
    as: `by a key of the account ${key.account}`,
    renewable: false,
    sign: async (unsigned) => ({
      url: unsigned.url,
      headers: { ...unsigned.headers, authorization: sharedKeyHeader(unsigned, key) },
    }),
  };
}

function byToken(where: Where, credential: TokenCredential): AzureSite {
  return {
    container: containerOf(where),
    way: 'token',
    as: 'by a token',
    renewable: credential.kind === 'oauth2',
    async sign({ url, headers }, { refused, signal }) {
      const token = await credential.token(signal, { fresh: refused !== undefined, refused });
      return { url, headers: { ...headers, authorization: `Bearer ${token}` }, token };
    },
  };
}

function bySas(where: Where, sas: string): AzureSite {
  const query = sas.replace(/^.*\?/, '');
  const end = new URLSearchParams(query).get('se') ?? '';
  const until = Number.isNaN(Date.parse(end)) ? undefined : Date.parse(end);
  return {
    container: containerOf(where),
    until,
    way: 'signature',
    as: `by a shared access signature${until === undefined ? '' : ` (until ${new Date(until).toISOString()})`}`,
    renewable: false,
    sign: async ({ url, headers }) => ({ url: withQuery(url, query), headers }),
  };
}

/** The address with the signature as it was given: its encoding is not ours to change. */
export function withQuery(url: URL, query: string): URL {
  const signed = new URL(url);
  signed.search = url.search === '' ? query : `${url.search}&${query}`;
  return signed;
}

function byConnectionString(where: Where, text: string): AzureSite {
  const parts = new Map(
    text.split(';').map((part) => {
      const [name = '', ...value] = part.split('=');
      return [name.trim().toLowerCase(), value.join('=').trim()] as const;
    }),
  );
  const account = parts.get('accountname');
  const [key, sas, given] = ['accountkey', 'sharedaccesssignature', 'blobendpoint'].map((name) =>
    parts.get(name),
  );
  const suffix = parts.get('endpointsuffix') ?? 'core.windows.net';
  const own =
    given ??
    (account && `${parts.get('defaultendpointsprotocol') ?? 'https'}://${account}.blob.${suffix}`);
  const endpoint = own !== undefined && URL.canParse(own) ? new URL(own) : undefined;
  const at = { ...where, endpoint: where.endpoint ?? endpoint };
  if (sas !== undefined) return bySas(at, sas);
  if (account !== undefined && key !== undefined) return byKey(at, { account, key });
  throw new DisableError(
    'The connection string has neither AccountName with AccountKey nor SharedAccessSignature. Copy it again from the storage account.',
  );
}

function containerOf({ account, endpoint, container }: Where): URL {
  const base = endpoint ?? (account && new URL(`https://${account}.blob.core.windows.net`));
  if (!base) {
    throw new DisableError(
      'Nothing says where the storage account is. Set account or endpoint, or use a connection string.',
    );
  }
  return new URL(`${base.origin}${base.pathname.replace(/\/+$/, '')}/${container}`);
}

/** A request before it is signed; names of headers are in lower case. */
interface Unsigned {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** Those whose values are signed, in this order; of the others only `x-ms-…`. */
const SIGNED = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
];

/**
 * The value of `authorization` for an account key: Microsoft's "Authorize with Shared Key", in the form for versions since
 * 2015-02-21. `key` is Base64.
 */
function sharedKeyHeader(
  { method, url, headers }: Unsigned,
  { account, key }: { readonly account: string; readonly key: string },
): string {
  const lines = SIGNED.map((name) =>
    name === 'content-length' && headers[name] === '0' ? '' : (headers[name] ?? ''),
  );
  const own = Object.keys(headers)
    .filter((name) => name.startsWith('x-ms-'))
    .toSorted()
    .map((name) => `${name}:${(headers[name] ?? '').trim()}\n`);
  const parameters = [...url.searchParams.keys()]
    .toSorted()
    .map((name) => `\n${name.toLowerCase()}:${url.searchParams.get(name) ?? ''}`);
  const text = `${[method, ...lines].join('\n')}\n${own.join('')}/${account}${url.pathname}${parameters.join('')}`;
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');
  return `SharedKey ${account}:${signature}`;
}
