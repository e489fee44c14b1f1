import type { Principal } from '../access/rights/principal.ts';
import { keyReader } from '../trace/key-reader.ts';
import type { ShownTo } from '../trace/shown-to.ts';
import type { ApiContext } from './context.ts';
import { maskedError } from './shown.ts';

/** How the trace is shown to somebody: part of every query about messages. */
export function shownTo(
  { search, bodies }: Pick<ApiContext, 'search' | 'bodies'>,
  { unmasked }: Pick<Principal, 'unmasked'>,
): ShownTo {
  return {
    mask: (failure) => maskedError(failure),
    masksAll: !unmasked,
    keys: keyReader(search(), Promise.resolve(bodies)),
  };
}
