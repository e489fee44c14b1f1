import { closed, Json, list, maybe, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';
import { SavedSearch, SearchCriteria } from './message.ts';

export const SavedSearches = Type.Object({ searches: list(SavedSearch) });

/** `last`, used instead of `from`, is a period that ends when the search runs. */
export const SavedSearchRequest = closed({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  shared: maybe(Type.Boolean({ description: 'Others see it too; only its owner can change it.' })),
  criteria: closed({
    ...SearchCriteria.properties,
    last: maybe(word('15m', '1h', '6h', '24h', '7d', 'all')),
  }),
});
export type SavedSearchRequest = Static<typeof SavedSearchRequest>;

/** What the console remembers for one person: columns, theme, language. */
export const Preferences = Type.Unsafe<Readonly<Record<string, unknown>>>({
  type: 'object',
  additionalProperties: Json,
});
