import type { OAuth2Values } from '../kind/oauth2-settings.ts';
import { entraSource } from './entra-source.ts';
import { genericSource } from './generic-source.ts';
import type { TokenSource } from './token.ts';
import type { TokenParts } from './token-parts.ts';

/** Where the tokens of a credential of kind `oauth2` come from, by its provider. */
export function tokenSource(values: OAuth2Values, parts: TokenParts): TokenSource {
  return values.provider === 'entra' ? entraSource(values, parts) : genericSource(values, parts);
}
