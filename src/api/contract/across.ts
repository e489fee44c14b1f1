import { closed, list, maybe, Time } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';
import { AlertQuery } from './alert.ts';
import { FindQuery, SearchRequest } from './message.ts';

const Wait = maybe(
  Type.Integer({
    minimum: 100,
    maximum: 30_000,
    description:
      'Milliseconds after which a production that has not answered is named as missing. Default 5000.',
  }),
);

export const AcrossQuery = closed({ wait: Wait });
export const AcrossFindQuery = closed({ ...FindQuery.properties, wait: Wait });
export const AcrossAlertsQuery = closed({ ...AlertQuery.properties, wait: Wait });
export const AcrossFailuresQuery = closed({ from: maybe(Time), to: maybe(Time), wait: Wait });

const { after: _after, ...criteria } = SearchRequest.properties;

export const AcrossSearch = closed({
  ...criteria,
  after: maybe(
    list(
      closed({
        production: Type.String({ minLength: 1, maxLength: 63 }),
        next: Type.String({ minLength: 1, maxLength: 100 }),
      }),
      {
        maxItems: 1_000,
        description: '`next` of the parts to be continued; no other production is asked.',
      },
    ),
  ),
});
export type AcrossSearch = Static<typeof AcrossSearch>;

const Part = Type.Object({
  production: Type.String(),
  answer: maybe(
    Type.Unsafe<Readonly<Record<string, unknown>>>({
      type: 'object',
      additionalProperties: true,
      description:
        'What the same request answers in this production. Ids are those of this production.',
    }),
  ),
  missing: maybe(
    Type.Object({
      code: Type.String(),
      text: Type.String(),
      retryable: Type.Boolean(),
    }),
  ),
});
export type Part = Static<typeof Part>;

/** One part for each production that the caller has a role in: its answer, or why it is missing. */
export const Across = Type.Object({ parts: list(Part) });
