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
