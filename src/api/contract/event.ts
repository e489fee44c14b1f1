import { closed, list, maybe, Time, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';

export const Level = word('info', 'warn', 'error');

export const HostEvent = Type.Object({
  host: Type.String({ description: 'Empty if it concerns the whole production.' }),
  event: Type.String(),
  level: Level,
  at: Time,
  text: Type.String(),
  by: maybe(Type.String()),
});
export type HostEvent = Static<typeof HostEvent>;

export const EventQuery = closed({
  hosts: maybe(Type.String({ description: 'Names, separated by commas.', maxLength: 20_000 })),
  from: maybe(Time),
  to: maybe(Time),
  level: maybe(word('info', 'warn', 'error')),
  limit: maybe(Type.Integer({ minimum: 1, maximum: 1_000 })),
  after: maybe(Type.String({ pattern: '^\\d{1,16}\\.\\d{1,6}$' })),
});

/** Newest first. */
export const EventPage = Type.Object({ items: list(HostEvent), next: maybe(Type.String()) });
export type EventPage = Static<typeof EventPage>;

export const StatisticsQuery = closed({
  from: Time,
  to: Time,
  step: Type.Integer({ minimum: 60_000, multipleOf: 60_000 }),
  hosts: maybe(Type.String({ maxLength: 20_000 })),
});

export const Statistics = Type.Object({
  step: Type.Integer(),
  intervals: list(
    Type.Object({
      host: Type.String(),
      at: Time,
      in: Type.Integer(),
      out: Type.Integer(),
      errors: Type.Integer(),
      bytes: Type.Integer(),
      latency: Type.Number({ description: 'Sum of milliseconds; divide by out + errors.' }),
      latencyMax: Type.Number(),
    }),
  ),
});
export type Statistics = Static<typeof Statistics>;

export const ComparisonQuery = closed({
  hosts: maybe(
    Type.String({
      description: 'Names, separated by commas. Default: every service that the caller sees.',
      maxLength: 20_000,
    }),
  ),
  zone: Type.String({
    description: 'Whose wall clock says which hour is the same, such as `Europe/Berlin`.',
    maxLength: 100,
  }),
  hours: maybe(
    Type.Integer({
      description: 'How many hours of a week ago. Default 2.',
      minimum: 1,
      maximum: 168,
    }),
  ),
});

const Missing = maybe(word('no-such-hour', 'unknown', 'partly'));

const Came = { in: Type.Integer(), errors: Type.Integer() };

export const Comparison = Type.Object({
  hosts: Type.Integer({ description: 'How many hosts are compared.' }),
  latest: Type.Object(
    { at: Time, ...Came, missing: Missing },
    { description: 'The last whole hour.' },
  ),
  others: list(
    Type.Object({
      days: Type.Integer({ description: 'Days before it.' }),
      at: maybe(Time),
      missing: Missing,
      ...Came,
      now: Type.Object(Came, {
        description: 'What came in the last whole hour at the same hosts.',
      }),
      hosts: Type.Integer({
        description: 'How many hosts are known in both hours; only these count.',
      }),
    }),
    { description: 'The same hour of other days.' },
  ),
  week: list(Type.Object({ at: Time, before: maybe(Time), missing: Missing, ...Came }), {
    description: 'For each hour up to the current one, what came in the same hour a week before.',
  }),
});
export type Comparison = Static<typeof Comparison>;
