import { type Static, Type } from 'typebox';
import { SavedSearch, SearchCriteria } from './message.ts';
import { closed, Json, list, maybe } from './schema.ts';

export const SavedSearches = Type.Object({ searches: list(SavedSearch) });

export const SavedSearchRequest = closed({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  shared: maybe(Type.Boolean({ description: 'Others see it too; only its owner changes it.' })),
  criteria: SearchCriteria,
});
export type SavedSearchRequest = Static<typeof SavedSearchRequest>;

/** What the console remembers for one person: columns, theme, language. */
export const Preferences = Type.Unsafe<Readonly<Record<string, unknown>>>({
  type: 'object',
  additionalProperties: Json,
});
