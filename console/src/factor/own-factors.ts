import { queryOptions } from '@tanstack/react-query';
import { ask } from '../api/client.ts';

export interface OwnFactors {
  /** False for people of a provider. */
  readonly allowed: boolean;
  readonly required: boolean;
  readonly totp?: { readonly created: number; readonly lastUsed?: number };
  readonly passkeys: readonly {
    readonly id: string;
    readonly label: string;
    readonly site: string;
    readonly created: number;
    readonly lastUsed?: number;
  }[];
  readonly codesLeft: number;
  /** Why no passkey can be made at this address. */
  readonly obstacle?: string;
}

/** One's own second factors. */
export const ownFactors = queryOptions({
  queryKey: ['me', 'second-factor'],
  queryFn: ({ signal }) => ask<OwnFactors>('me/second-factor', { signal }),
});

/** What a new one brings. */
export interface AddedFactor {
  /** With the first one. */
  readonly codes?: readonly string[];
  /** Another tab was faster, and has them. */
  readonly codesElsewhere?: boolean;
}
