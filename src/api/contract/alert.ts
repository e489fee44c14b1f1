import { ALERT_STATES } from '../../operator/alert/alert-store.ts';
import { RULES } from '../../operator/alert/condition.ts';
import { closed, Id, list, maybe, Reason, Time, word } from '../../web/schema.ts';
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
  planned: maybe(
    Type.Object(
      { id: Type.Integer(), to: Time },
      { description: 'The planned work that explains it now: nobody is told of it meanwhile.' },
    ),
  ),
  comments: list(Type.Object({ at: Time, by: Type.String(), text: Type.String() })),
  /** Only in the list. */
  told: maybe(
    list(
      Type.Object({
        at: Time,
        news: word('open', 'over'),
        to: Type.String({ description: 'The person, or the channel itself.' }),
        channel: Type.String(),
        state: word('due', 'sending', 'sent', 'delivered', 'failed'),
        message: maybe(Id),
        text: maybe(Type.String({ description: 'Why it failed, and what to do.' })),
      }),
      { description: 'Whom it was sent to and what became of it, oldest first.' },
    ),
  ),
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

export const Maintenance = Type.Object({
  id: Type.Integer(),
  hosts: list(Type.String(), { description: 'Empty if it is about the whole production.' }),
  from: Time,
  to: Time,
  reason: Type.String(),
  by: Type.String(),
});
export type Maintenance = Static<typeof Maintenance>;

export const MaintenanceQuery = closed({
  over: maybe(
    Type.Boolean({ description: 'What is over, instead of what is planned or under way.' }),
  ),
});
export const MaintenanceList = Type.Object({ maintenance: list(Maintenance) });

export const MaintenanceRequest = closed({
  hosts: list(Type.String({ minLength: 1, maxLength: 200 }), {
    maxItems: 1_000,
    description: 'None if it is about the whole production.',
  }),
  from: Time,
  to: Time,
  reason: Type.String({ minLength: 1, maxLength: 2_000 }),
});
export type MaintenanceRequest = Static<typeof MaintenanceRequest>;
export const MaintenanceEnd = closed({ to: Time });

export const OnCallOverride = Type.Object({
  id: Type.Integer(),
  from: Time,
  to: Time,
  who: Type.String(),
  by: Type.String(),
  reason: Type.String(),
});
export type OnCallOverride = Static<typeof OnCallOverride>;

export const OnCall = Type.Object({
  zone: maybe(
    Type.String({ description: 'The clock of the rota; by default that of the machine.' }),
  ),
  /** Without gaps, from now. */
  spans: list(
    Type.Object({
      from: Time,
      to: Time,
      who: maybe(Type.String({ description: 'Left out while nobody is on call.' })),
      override: maybe(Type.Integer({ description: 'If it is not as the rota says.' })),
    }),
  ),
  overrides: list(OnCallOverride),
  people: list(Type.String()),
  channels: list(
    Type.Object({
      name: Type.String(),
      kind: word('operation', 'webhook', 'teams', 'slack', 'mail'),
      last: maybe(
        Type.Object({
          at: Time,
          state: word('sent', 'delivered', 'failed'),
          text: maybe(Type.String()),
        }),
      ),
    }),
  ),
  steps: list(
    Type.Object({
      after: Type.Integer({ description: 'Milliseconds after the alert was first sent.' }),
      level: word('warn', 'error'),
      to: list(Type.String()),
    }),
  ),
});
export type OnCall = Static<typeof OnCall>;

export const OverrideRequest = closed({
  from: Time,
  to: Time,
  who: Type.String({ minLength: 1, maxLength: 100, description: 'One of `people`.' }),
  reason: Type.String({ minLength: 1, maxLength: 2_000 }),
});
export type OverrideRequest = Static<typeof OverrideRequest>;

export const ChannelTests = Type.Object({
  tests: list(
    Type.Object({
      channel: Type.String(),
      kind: word('operation', 'webhook', 'teams', 'slack', 'mail'),
      result: word('passed', 'failed'),
      cause: maybe(Type.String()),
      remedy: maybe(Type.String()),
      took: Type.Integer({ description: 'Milliseconds.' }),
    }),
  ),
});
export type ChannelTests = Static<typeof ChannelTests>;

export const TestRequest = closed({
  channels: maybe(
    list(Type.String({ minLength: 1, maxLength: 100 }), {
      maxItems: 100,
      description: 'All if left out.',
    }),
  ),
});
