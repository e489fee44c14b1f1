import type { MetaPlace } from '../../src/access/meta/meta-database.ts';
import { metaDatabase } from '../../src/access/meta/open-meta.ts';
import { type NewUser, users } from '../../src/access/sign-in/users.ts';
import { hashPassword } from '../../src/credential/password.ts';

export type LocalUser = Pick<NewUser, 'name' | 'password'> & Partial<NewUser>;

/** Adds a user to the installation in a data folder, an administrator unless said otherwise; the password is cheap to check. */
export async function addLocalUser(
  data: string,
  { password, ...more }: LocalUser,
  place: MetaPlace = { data },
): Promise<void> {
  const database = await metaDatabase(place);
  await users(database).add({
    roles: ['administrator'],
    scope: ['*'],
    mustChange: false,
    ...more,
    password: await hashPassword(password, { memory: 64, passes: 1, parallelism: 1 }),
  });
  await database.close();
}
