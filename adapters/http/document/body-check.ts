import { Build, Errors } from 'typebox/schema';
import type { BodyCheck } from '../operation.ts';
import { makeLinear, withLinearPatterns, withoutNamePatterns } from './linear-schema.ts';

const MOST = 20;

/** Compiles a JSON Schema. `root` is what references in it count from, where that is not the schema itself. */
export function bodyCheck(schema: object, root: Readonly<Record<string, unknown>> = {}): BodyCheck {
  const whole = Object.keys(root).length === 0 ? schema : { ...root, allOf: [schema] };
  const linear = withLinearPatterns(whole) as Parameters<typeof Build>[0];
  const build = Build(linear);
  makeLinear(build.External().variables);
  const compiled = build.Evaluate();
  const explaining = withoutNamePatterns(linear) as typeof linear;
  return (value) => {
    if (compiled.Check(value)) return [];
    const [, errors] = Errors(explaining, value);
    const problems = errors
      .filter(({ keyword }) => keyword !== 'boolean')
      .slice(0, MOST)
      .map(({ instancePath, message }) => ({ at: instancePath || '/', problem: message }));
    return problems.length > 0
      ? problems
      : [{ at: '/', problem: 'must have properties as patternProperties wants them' }];
  };
}
