import type { Api } from '../../../web/api.ts';
import { closed, list, maybe, Time, word } from '../../../web/schema.ts';
import { Type } from '../../../web/type.ts';
import { requirePermission } from '../../rights/require-permission.ts';
import type { SignIn } from '../sign-in.ts';

const Event = Type.Object({
  at: Time,
  ip: Type.String(),
  method: Type.String(),
  user: maybe(Type.String()),
  outcome: word('signed-in', 'refused'),
  cause: Type.String(),
  remedy: maybe(Type.String()),
});

const Refused = Type.Object({
  minute: Time,
  name: Type.String(),
  via: Type.String(),
  ip: Type.String(),
  cause: Type.String(),
  count: Type.Integer(),
});

/** Shows why somebody cannot sign in. */
export function signInTraceRoutes(api: Api, { trace, refused, enforcement }: SignIn): void {
  api.get(
    '/sign-in/trace',
    {
      schema: {
        tags: ['sign-in'],
        summary: 'The latest sign-ins with the cause of each refusal and what to do.',
        response: {
          200: Type.Object({
            passwords: Type.Object({ allowed: Type.Boolean(), why: Type.String() }),
            events: list(Event),
          }),
        },
      },
      onRequest: requirePermission('user.manage'),
    },
    async () => ({ passwords: await enforcement.passwords(), events: trace.list() }),
  );

  api.get(
    '/sign-in/refused',
    {
      schema: {
        tags: ['sign-in'],
        summary:
          'How many sign-ins were refused in each minute, by user, address and cause; newest first, kept for 90 days.',
        querystring: closed({ limit: maybe(Type.Integer({ minimum: 1, maximum: 1_000 })) }),
        response: { 200: Type.Object({ rows: list(Refused) }) },
      },
      onRequest: requirePermission('user.manage'),
    },
    async ({ query: { limit = 200 } }) => ({ rows: await refused.list(limit) }),
  );
}
