import type { MetaDatabase, MetaPlace } from '../../src/access/meta/meta-database.ts';
import { metaDatabase } from '../../src/access/meta/open-meta.ts';
import { postgresPrograms, startPostgres } from './postgres.ts';
import { temporaryFolder } from './temporary-folder.ts';

const programs = await postgresPrograms();

/** The stores for everything besides the trace, and whether each is available on this machine. */
export const META_STORES = [
  ['SQLite', true],
  ['PostgreSQL', programs !== undefined],
] as const;

/** One database with two connections, like two operator planes, or the command line and one. */
export interface TwoPlanes extends AsyncDisposable {
  readonly place: MetaPlace;
  readonly one: MetaDatabase;
  readonly other: MetaDatabase;
}

export async function twoPlanes(store: (typeof META_STORES)[number][0]): Promise<TwoPlanes> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder('meta'));
  const server = store === 'SQLite' ? undefined : stack.use(await startPostgres(programs ?? ''));
  const shared = server === undefined ? undefined : { url: server.url, production: 'ward-1' };
  const place = { data: folder.path, shared };
  const one = stack.use(await metaDatabase(place));
  const other = stack.use(await metaDatabase(place));
  const held = stack.move();
  return { place, one, other, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
