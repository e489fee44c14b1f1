import type { Json } from './criteria.ts';
import { matches } from './criteria.ts';
import type { Subscription } from './subscriptions.ts';

/** What is sent on for one subscriber, one message each: small, so that what is sent is made with what holds then. */
export interface Notification {
  readonly notification: {
    readonly subscription: string;
    readonly number: number;
    readonly at: string;
    /** `Observation/7`; a resource without an id has none. */
    readonly focus: string | undefined;
  };
  readonly resource?: Json;
}

const WRITES = new Set(['create', 'update', 'patch', 'transaction', 'batch']);

/** The resources that a message is about: itself, those of a Bundle, that of a request of `fhir-in` which writes. */
export function resourcesIn(message: Json): readonly Json[] {
  const { resourceType, interaction, resource, entry } = message;
  if (typeof resourceType !== 'string') {
    const isWritten = WRITES.has(String(interaction)) && isResource(resource);
    return isWritten ? resourcesIn(resource) : [];
  }
  if (resourceType !== 'Bundle') return resourceType === 'OperationOutcome' ? [] : [message];
  const entries: readonly unknown[] = Array.isArray(entry) ? (entry as unknown[]) : [];
  return entries.flatMap((one) => {
    const { resource: inside } = Object(one) as Json;
    return isResource(inside) ? resourcesIn(inside) : [];
  });
}

const isResource = (value: unknown): value is Json =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Json)['resourceType'] === 'string';

/** Which of them a subscription is told of. */
export const concerning = (
  { criteria }: Subscription,
  resources: readonly Json[],
): readonly Json[] =>
  resources.filter((resource) => criteria.some((one) => matches(one, resource)));
