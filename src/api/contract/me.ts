import { PERMISSIONS } from '../../access/rights/principal.ts';
import { list, maybe, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';

/** Who is signed in, and what they may do: the console offers nothing else. */
export const Me = Type.Object({
  name: Type.String(),
  roles: list(Type.String()),
  permissions: list(word(...PERMISSIONS)),
  visibleHosts: maybe(list(Type.String())),
  unmasked: Type.Boolean(),
  via: Type.String(),
  csrfToken: maybe(Type.String()),
  mustChangePassword: maybe(Type.Boolean()),
});
export type Me = Static<typeof Me>;
