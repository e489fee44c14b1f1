import { metaDatabase } from '../src/access/meta/open-meta.ts';
import { apiTokens } from '../src/access/sign-in/api-tokens.ts';
import { users } from '../src/access/sign-in/users.ts';

/** A token for the console in a data folder, with which everything is seen. */
export async function tokenIn(data: string): Promise<string> {
  await using database = await metaDatabase({ data });
  await users(database).add({
    name: 'bench',
    roles: ['administrator'],
    scope: ['*'],
    password: 'none: it signs in with a token',
    mustChange: false,
  });
  const expires = Date.now() + 24 * 3_600_000;
  const order = { label: 'bench', user: 'bench', expires, permissions: undefined };
  return (await apiTokens(database).add(order)).token;
}
