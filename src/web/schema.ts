import type { Static, TObject, TOptional, TProperties, TSchema, TUnsafe } from 'typebox';
import { Type } from './type.ts';

/** Small building blocks for the schemas of the API. */

/** A property that may be left out. */
export function maybe<T extends TSchema>(schema: T): TOptional<TUnsafe<Static<T> | undefined>> {
  return Type.Optional(Type.Unsafe<Static<T> | undefined>(schema));
}

export function list<T extends TSchema>(
  schema: T,
  limits: { maxItems?: number; description?: string } = {},
): TUnsafe<readonly Static<T>[]> {
  return Type.Unsafe<readonly Static<T>[]>(Type.Array(schema, limits));
}

export function record<T extends TSchema>(schema: T): TUnsafe<Readonly<Record<string, Static<T>>>> {
  return Type.Unsafe<Readonly<Record<string, Static<T>>>>({
    type: 'object',
    additionalProperties: schema,
  });
}

/** One of the given words. */
export function word<const W extends readonly string[]>(...words: W): TUnsafe<W[number]> {
  return Type.Unsafe<W[number]>({ type: 'string', enum: words });
}

/** A request's object: undeclared properties are refused, so that a misspelled criterion is not silently ignored. */
export function closed<P extends TProperties>(properties: P): TObject<P> {
  return Type.Object(properties, { additionalProperties: false });
}

/** The answer to an act that has nothing else to say. */
export const Done = Type.Object({ done: Type.Literal(true) });

/** Milliseconds since 1970. */
export const Time = Type.Integer({
  minimum: 0,
  // the range of a Date
  maximum: 8_640_000_000_000_000,
  description: 'Milliseconds since 1970.',
});
/** A message or session id. */
export const Id = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const IdParameters = closed({ id: Id });
export const HostParameters = closed({ host: Type.String({ minLength: 1, maxLength: 200 }) });
export const Reason = Type.String({ maxLength: 2_000 });
/** Any JSON value. */
export const Json = Type.Unknown();
