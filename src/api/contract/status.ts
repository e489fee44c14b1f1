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
  /** Of the last five whole minutes. */
  lastMinutes: Rate,
  lastHour: Rate,
  suspended: Type.Integer({ description: 'Messages waiting for a person.' }),
  errorsToday: Type.Integer({ description: 'Messages that failed in the last 24 hours.' }),
  openAlerts: Type.Integer(),
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
