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

/** A subscription that is told of something, and of which resources, by their places in the list. */
export interface Concerned {
  readonly subscription: Subscription;
  readonly places: readonly number[];
}

/** Who is told of what; a little at each step, since both may be many. */
export function* findingConcerned(
  subscriptions: readonly Subscription[],
  resources: readonly Json[],
): Generator<undefined, readonly Concerned[]> {
  const all: Concerned[] = [];
  for (const subscription of subscriptions) {
    yield;
    const { criteria } = subscription;
    const places = resources.flatMap((resource, at) =>
      criteria.some((one) => matches(one, resource)) ? [at] : [],
    );
    if (places.length > 0) all.push({ subscription, places });
  }
  return all;
}

const ID = /^[A-Za-z\d\-.]{1,64}$/;

/** Where a resource is; undefined without an id that FHIR permits, as it becomes part of an address. */
export function focusOf({ resourceType, id }: Json): string | undefined {
  const isId = typeof id === 'string' && ID.test(id) && !/^\.+$/.test(id);
  return isId ? `${String(resourceType)}/${id}` : undefined;
}
