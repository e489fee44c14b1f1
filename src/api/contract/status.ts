import { list, maybe, Time } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';
import { CertificateKind } from './storage.ts';

const Rate = Type.Object({
  in: Type.Integer(),
  out: Type.Integer(),
  errors: Type.Integer(),
});

/** The dashboard of the whole production. It comes from reports and roll-ups, never from counting messages. */
export const Status = Type.Object({
  production: Type.String(),
  title: Type.String(),
  at: Time,
  engines: list(Type.Object({ engine: Type.Integer(), started: Time })),
  hosts: Type.Object({
    total: Type.Integer(),
    running: Type.Integer(),
    retrying: Type.Integer(),
    disconnected: Type.Integer(),
    stopped: Type.Integer(),
    off: Type.Integer(),
  }),
  queued: Type.Object({
    messages: Type.Integer(),
    oldest: maybe(Type.Object({ host: Type.String(), at: Time })),
  }),
  /** Of the last five whole minutes; as the next four, left out while it is not known. */
  lastMinutes: maybe(Rate),
  lastHour: maybe(Rate),
  suspended: maybe(
    Type.Integer({
      description: 'Messages waiting for a person; left out, as those below, if it is not known.',
    }),
  ),
  errorsToday: maybe(Type.Integer({ description: 'Messages that failed in the last 24 hours.' })),
  openAlerts: maybe(Type.Integer()),
  plannedWork: maybe(Type.Integer({ description: 'How much planned work is under way.' })),
  certificates: list(
    Type.Object(
      { kind: CertificateKind, name: Type.String(), ends: Time },
      { description: 'What expires soon.' },
    ),
  ),
  trace: Type.Object({
    lag: maybe(
      Type.Integer({
        description: 'Messages that the trace does not show yet; left out if it is not known.',
      }),
    ),
    failingSince: maybe(Time),
  }),
});
export type Status = Static<typeof Status>;
