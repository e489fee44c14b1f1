import validators from '@fastify/ajv-compiler';
import serializers from '@fastify/fast-json-stringify-compiler';
import type { FastifyServerOptions } from 'fastify';

type Factories = NonNullable<
  NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']
>;

/** As Fastify calls it; what is wrong with the last value is a property of the function. */
interface Made {
  (value: unknown): unknown;
  errors?: unknown;
}

/** What makes validators, and what makes serializers. */
type Build = (schemas: unknown, options: unknown) => (route: unknown) => Made;

/**
 * Schemas are compiled with the first request that needs them, instead of all of them before the
 * console listens, which takes longer than everything else in its start.
 */
export const lazySchemas = (): { compilersFactory: Factories } => ({
  compilersFactory: {
    buildValidator: lazily(validators() as unknown as Build),
    buildSerializer: lazily(serializers() as unknown as Build),
  } as unknown as Factories,
});

function lazily(build: Build): Build {
  return (schemas, options) => {
    const compile = once(() => build(schemas, options));
    return (route) => {
      const compiled = once(() => compile()(route));
      const made: Made = (value) => {
        const result = compiled()(value);
        made.errors = compiled().errors;
        return result;
      };
      return made;
    };
  };
}

/** Makes the value when it is first asked for. */
function once<Value extends object>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => (made ??= make());
}
