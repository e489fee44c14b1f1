import { requirePermission } from '../../access/rights/require-permission.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { Done, IdParameters } from '../../web/schema.ts';
import type { ApiContext } from '../context.ts';
import { SavedSearch } from '../contract/message.ts';
import { Preferences, SavedSearches, SavedSearchRequest } from '../contract/saved-search.ts';
import { ownerOf } from '../owner-of.ts';
import { SEARCHES, savedSearchList } from '../saved-search-list.ts';

const tags = ['me'];
/** The most bytes of preferences that one person may keep. */
const KEPT_LIMIT = 32 * 1024;

/** Routes for what the console saves for a person. */
export function savedSearchRoutes(app: Api, context: ApiContext): void {
  searchRoutes(app, context);
  preferenceRoutes(app, context);
}

function searchRoutes(app: Api, { meta }: ApiContext): void {
  const searches = savedSearchList(meta);
  const onRequest = requirePermission('message.search');

  app.get(
    '/saved-searches',
    {
      schema: { tags, summary: 'Saved searches.', response: { 200: SavedSearches } },
      onRequest,
    },
    async (request) => ({ searches: await searches.list(ownerOf(request)) }),
  );

  app.post(
    '/saved-searches',
    {
      bodyLimit: KEPT_LIMIT,
      schema: {
        tags,
        summary: 'Saves a search, or replaces the one with the same name.',
        body: SavedSearchRequest,
        response: { 200: SavedSearch },
      },
      onRequest,
    },
    async (request) => {
      const owner = ownerOf(request);
      const saved = await searches.save(owner, request.body);
      if (saved !== undefined) return saved;
      throw new ApiError(409, 'CONFLICT', `you have ${SEARCHES} saved searches: remove one first`);
    },
  );

  app.delete(
    '/saved-searches/:id',
    {
      schema: {
        tags,
        summary: 'Removes one of your own searches.',
        params: IdParameters,
        response: { 200: Done },
      },
      onRequest,
    },
    async (request) => {
      const { id } = request.params;
      if (await searches.remove(ownerOf(request), id)) return { done: true as const };
      throw new ApiError(404, 'NOT_FOUND', `you have no saved search ${id}`);
    },
  );
}

function preferenceRoutes(app: Api, { meta }: ApiContext): void {
  app.get(
    '/me/preferences',
    { schema: { tags, summary: 'What the console remembers.', response: { 200: Preferences } } },
    async (request) => {
      const owner = ownerOf(request);
      const row = await meta.get('SELECT value FROM preference WHERE owner = ?', owner);
      const text = row?.['value'];
      return (typeof text === 'string' ? JSON.parse(text) : {}) as Record<string, unknown>;
    },
  );

  app.put(
    '/me/preferences',
    {
      bodyLimit: KEPT_LIMIT,
      schema: {
        tags,
        summary: 'Changes what the console remembers.',
        body: Preferences,
        response: { 200: Done },
      },
    },
    async (request) => {
      await meta.run(
        `INSERT INTO preference(owner, value) VALUES(?, ?)
           ON CONFLICT(owner) DO UPDATE SET value = excluded.value`,
        ownerOf(request),
        JSON.stringify(request.body),
      );
      return { done: true as const };
    },
  );
}
