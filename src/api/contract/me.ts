import { PERMISSIONS } from '../../access/rights/principal.ts';
import { list, maybe, Time, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';
import { Productions } from './production.ts';
import { Status } from './status.ts';

/** Who is signed in, and what they may do: the console offers nothing else. */
export const Me = Type.Object({
  name: Type.String(),
  roles: list(Type.String()),
  permissions: list(word(...PERMISSIONS)),
  visibleHosts: maybe(list(Type.String())),
  unmasked: Type.Boolean(),
  emergency: maybe(
    Type.Object(
      { until: Time, reason: Type.String() },
      { description: 'While it lasts, patient data is not masked.' },
    ),
  ),
  via: Type.String(),
  csrfToken: maybe(Type.String()),
  mustChangePassword: maybe(Type.Boolean()),
  mustAddFactor: maybe(
    Type.Boolean({ description: 'A second factor has to be set up before anything else.' }),
  ),
  status: maybe(Status),
  productions: maybe(Productions),
});
export type Me = Static<typeof Me>;
