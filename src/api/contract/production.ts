import { list, maybe } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';
import { Status } from './status.ts';

/** The productions that this console shows to who asks. */
export const Productions = Type.Object({
  own: Type.String({ description: 'The production whose console this is.' }),
  productions: list(Type.String(), {
    description: 'Names of those in which the caller has any right, running or not.',
  }),
});
export type Productions = Static<typeof Productions>;

/** What the engines of a production say of it, for when its operator plane does not answer. */
export const ProductionBrief = Type.Object({
  production: Type.String(),
  title: maybe(Type.String({ description: 'Unknown while no engine answers.' })),
  engines: Status.properties.engines,
  hosts: maybe(Status.properties.hosts),
  queued: maybe(Status.properties.queued),
});
export type ProductionBrief = Static<typeof ProductionBrief>;
