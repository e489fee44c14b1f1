import { ALERT_STATES } from '../../operator/alert/alert-store.ts';
import { RULES } from '../../operator/alert/condition.ts';
import { closed, list, maybe, Reason, Time, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';

export const Alert = Type.Object({
  id: Type.Integer(),
  rule: word(...RULES),
  object: Type.String(),
  host: maybe(Type.String()),
  level: word('warn', 'error'),
  text: Type.String(),
  state: word(...ALERT_STATES),
  first: Time,
  last: Time,
  ended: maybe(Time),
  owner: maybe(Type.String()),
  snoozed: maybe(Time),
  comments: list(Type.Object({ at: Time, by: Type.String(), text: Type.String() })),
});
export type Alert = Static<typeof Alert>;

export const AlertQuery = closed({
  ended: maybe(Type.Boolean({ description: 'Resolved alerts instead of current ones.' })),
  limit: maybe(Type.Integer({ minimum: 1, maximum: 1_000 })),
});

export const Alerts = Type.Object({ alerts: list(Alert) });

export const AcknowledgeRequest = closed({ note: maybe(Reason) });
export const AssignRequest = closed({
  to: Type.String({ minLength: 1, maxLength: 200, description: 'The new owner.' }),
});
export const CommentRequest = closed({ text: Type.String({ minLength: 1, maxLength: 2_000 }) });
export const SnoozeRequest = closed({ until: Time });
export const AlertParameters = closed({ id: Type.Integer({ minimum: 1 }) });
