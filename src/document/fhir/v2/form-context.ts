import type { Part } from './part.ts';
import type { Clock } from './times.ts';

/** What the forms need to know of the message and of the production. */
export interface FormContext {
  readonly clock: Clock;
  /** URIs of code systems and assigning authorities, by their v2 names. */
  readonly systems: Readonly<Record<string, string>>;
}

/** Writes a value as FHIR does; undefined if it cannot be one of that type. */
export type FormOf = (part: Part, context: FormContext, table: string | undefined) => unknown;
