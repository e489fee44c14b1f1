import { cookieOf, type Incoming } from '../incoming.ts';
import type { TokenSource } from './caller-settings.ts';

export interface FoundToken {
  readonly token: string;
  readonly place: TokenSource['place'];
}

/** The first key or token of a request, by the places it may stand in. */
export function tokenOf(
  incoming: Incoming,
  sources: readonly TokenSource[],
): FoundToken | undefined {
  for (const { place, name } of sources) {
    const token = valueAt(incoming, { place, name });
    if (token !== undefined && token !== '') return { token, place };
  }
  return undefined;
}

function valueAt({ headers, query }: Incoming, { place, name }: TokenSource): string | undefined {
  if (place === 'query') return query.get(name) ?? undefined;
  if (place === 'cookie') return cookieOf(headers, name);
  if (name !== '') return headers[name.toLowerCase()]?.toString().replace(/^Bearer +/i, '');
  return /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
}
