import { createHmac } from 'node:crypto';

/** A request before it is signed; names of headers are in lower case. */
export interface Unsigned {
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
export function sharedKeyHeader(
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
