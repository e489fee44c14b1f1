import { closed, Id, list, maybe, Reason, Time, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';
import type { Status } from './message.ts';

const Hold = Type.Object({
  sessionId: Id,
  reason: Type.String(),
  by: Type.String(),
  at: Time,
  until: maybe(Time),
});

/** The size of the trace store, and how long messages are kept. */
export const Storage = Type.Object({
  keep: Type.Integer({ description: 'Milliseconds that settled messages are kept.' }),
  bytes: Type.Integer(),
  days: list(Type.Object({ day: Type.String(), bytes: Type.Integer(), messages: Type.Integer() })),
  heldSessions: Type.Integer(),
  holds: list(Hold),
  jobs: Type.Object(
    { jobs: Type.Integer(), messages: Type.Integer() },
    {
      description:
        'Bulk jobs with the result for each message; they are removed this long after their end.',
    },
  ),
});
export type Storage = Static<typeof Storage>;

export const PurgeReport = Type.Object({
  removed: list(
    Type.Object({
      day: Type.String(),
      messages: Type.Integer(),
      bytes: Type.Integer(),
      because: word('age', 'size'),
    }),
  ),
  kept: list(
    Type.Object({
      sessionId: Id,
      messageId: Id,
      host: Type.String(),
      reason: Type.Unsafe<Static<typeof Status> | 'held'>(Type.String()),
      since: Time,
    }),
  ),
  keptSessions: Type.Integer(),
  released: Type.Integer(),
  bodiesRemoved: Type.Integer(),
  jobs: Type.Integer({ description: 'Jobs that ended longer ago than this.' }),
});
export type PurgeReport = Static<typeof PurgeReport>;

export const HoldRequest = closed({ reason: Reason, until: maybe(Time) });
export type HoldRequest = Static<typeof HoldRequest>;

export const CertificateKind = word('own', 'authority', 'peer', 'revocation-list');

export const Certificates = Type.Object({
  certificates: list(
    Type.Object({
      kind: CertificateKind,
      name: Type.String({
        description: 'A name under credentials, a file, or the expected owner of the certificate.',
      }),
      problem: maybe(Type.String()),
      chain: list(
        Type.Object({
          subject: Type.String(),
          issuer: Type.String(),
          names: list(Type.String()),
          notBefore: Time,
          notAfter: Time,
          fingerprint: Type.String(),
          serial: Type.String(),
        }),
      ),
      ends: maybe(
        Type.Object({
          subject: Type.String(),
          at: Time,
          state: word('good', 'soon', 'urgent', 'ended'),
        }),
      ),
      seen: maybe(Time),
      usedBy: list(Type.String()),
    }),
  ),
});
export type Certificates = Static<typeof Certificates>;
