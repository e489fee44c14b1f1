import { queryOptions } from '@tanstack/react-query';
import { ask, type Result } from '../api/client.ts';

export type OwnFactors = Result<'GET /me/second-factor'>;

/** One's own second factors. */
export const ownFactors = queryOptions({
  queryKey: ['me', 'second-factor'],
  queryFn: ({ signal }) => ask('GET /me/second-factor', { signal }),
});

/** What a new one brings: recovery codes with the first one, unless another tab was faster. */
export type AddedFactor = Result<'POST /me/second-factor/totp/confirm'>;
