import { Compile } from 'typebox/schema';
import type { BodyProblems } from '../operation.ts';

/** Finds what is wrong with a JSON value: at most twenty places, without a word of the value itself. */
export type BodyCheck = (value: unknown) => BodyProblems;

const MOST = 20;

/** Compiles a JSON Schema. `root` is what references in it count from, where that is not the schema itself. */
export function bodyCheck(schema: object, root: Readonly<Record<string, unknown>> = {}): BodyCheck {
  const whole = Object.keys(root).length === 0 ? schema : { ...root, allOf: [schema] };
  const validator = Compile(whole as Parameters<typeof Compile>[0]);
  return (value) => {
    if (validator.Check(value)) return [];
    const [, errors] = validator.Errors(value);
    return errors
      .filter(({ keyword }) => keyword !== 'boolean')
      .slice(0, MOST)
      .map(({ instancePath, message }) => ({ at: instancePath || '/', problem: message }));
  };
}
