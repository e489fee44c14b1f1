import type { FastifyRequest } from 'fastify';
import type { Api } from '../../../web/api.ts';
import { ApiError } from '../../../web/api-error.ts';
import { closed, Done, maybe, Time } from '../../../web/schema.ts';
import { Type } from '../../../web/type.ts';
import { type AuditEntry, recorded } from '../../audit/audit.ts';
import { principalOf, requirePermission } from '../../rights/require-permission.ts';
import type { SignIn } from '../sign-in.ts';

const tags = ['sign-in'];
const MINUTE = 60_000;
const MINUTES = 30;
const LONGEST = 120;

/** Seeing patient data unmasked in an emergency: with a reason, for a time, told to others. */
export function emergencyRoutes(api: Api, { audit, emergencies }: SignIn): void {
  const onRequest = requirePermission('message.emergency');
  const act = <Result>(
    request: FastifyRequest,
    rest: Pick<AuditEntry, 'action' | 'detail'>,
    run: () => Promise<Result>,
  ): Promise<Result> => {
    const { name, via } = principalOf(request);
    const object = `user ${name}`;
    return recorded(audit, { actor: { name, via }, ip: request.ip, object, ...rest }, run);
  };

  api.post(
    '/me/emergency',
    {
      schema: {
        tags,
        summary: 'Shows patient data unmasked for a time, to the one who asks.',
        description:
          'For people in a session, not for tokens. It is an alert, and every view until then is recorded with the reason.',
        body: closed({
          reason: Type.String({ minLength: 10, maxLength: 2_000, pattern: '\\S.*\\S' }),
          minutes: maybe(Type.Integer({ minimum: 5, maximum: LONGEST, default: MINUTES })),
        }),
        response: { 200: Type.Object({ until: Time, reason: Type.String() }) },
      },
      onRequest,
    },
    (request) => {
      const { reason, minutes = MINUTES } = request.body;
      const { name, via, token } = principalOf(request);
      if (token !== undefined)
        throw new ApiError(403, 'FORBIDDEN', 'a token has no emergencies: sign in as a person');
      const from = Date.now();
      const until = from + minutes * MINUTE;
      return act(request, { action: 'emergency.begin', detail: { reason, minutes } }, () =>
        emergencies.begin({ name, via, reason, from, until }),
      );
    },
  );

  api.delete(
    '/me/emergency',
    { schema: { tags, summary: 'Masks patient data again.', response: { 200: Done } }, onRequest },
    (request) => {
      const { name, via } = principalOf(request);
      return act(request, { action: 'emergency.end' }, async () => {
        if (await emergencies.end(name, via)) return { done: true as const };
        throw new ApiError(404, 'NOT_FOUND', 'there is no emergency that lasts');
      });
    },
  );
}
