import { Type } from 'typebox';
import type { Api } from '../../api/api.ts';
import { list, maybe, Time, word } from '../../api/contract/schema.ts';
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

/** Why somebody does not get in. */
export function signInTraceRoutes(api: Api, { trace, enforcement }: SignIn): void {
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
}
