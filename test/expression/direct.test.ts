import {
  type Arbitrary,
  assert,
  constant,
  constantFrom,
  letrec,
  oneof,
  property,
  tuple,
} from 'fast-check';
import { expect, test } from 'vitest';
import { isEngineError } from '../../src/error/engine-error.ts';
import { examples } from '../support/examples.ts';
import { processorTime } from '../support/processor-time.ts';
import { ADMISSION, environment, scopeOf } from '../support/subject-message.ts';

const scope = scopeOf(ADMISSION, { name: 'a.hl7' });

/** Conditions of all that is evaluated directly, some of which fail. */
const { bool } = letrec<{ bool: string; text: string; whole: string }>((tie) => ({
  text: oneof(
    { depthSize: 'small', withCrossShrink: true },
    constantFrom('type', 'event', 'name', '"I"', '"A01"', '""', "'ä'"),
    constantFrom('field("PV1-2")', 'field("PID-5.1")', 'field("ZPI-1", "none")', 'fixed(2.5, 1)'),
    tuple(tie('text'), tie('text')).map(([a, b]) => `(${a} + ${b})`),
    tuple(tie('bool'), tie('text'), tie('text')).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
    tie('text').map((text) => `upper(${text})`),
    tuple(tie('text'), tie('text')).map(([a, b]) => `lookup("wards", ${a}, ${b})`),
    tuple(tie('text'), tie('whole')).map(([text, n]) => `left(${text}, ${n})`),
    tie('text').map((text) => `fixed(number(${text}), 1)`),
  ),
  whole: oneof(
    constantFrom('id', 'session', '0', '2', '5'),
    tie('text').map((text) => `age(${text})`),
  ),
  bool: oneof(
    { depthSize: 'small', withCrossShrink: true },
    constantFrom('true', 'false', 'has("PV1")', 'has("ZPI")', 'isNumber(event)'),
    pair(tie('bool'), tie('bool'), constantFrom('&&', '||', '==', '!=')),
    pair(tie('text'), tie('text'), constantFrom('==', '!=', '<', '<=', '>', '>=')),
    pair(tie('whole'), tie('whole'), constantFrom('==', '!=', '<', '<=', '>', '>=')),
    pair(constant('number(event, 1.5)'), constant('1.5'), constantFrom('==', '<', '>=')),
    tie('bool').map((one) => `!${one}`),
    tuple(tie('text'), tie('text'), tie('text')).map(([a, b, c]) => `(${a} in [${b}, ${c}])`),
    tuple(tie('text')).map(([a]) => `(${a} in fields("PID-3.1"))`),
    tuple(tie('text'), constantFrom('startsWith', 'endsWith', 'contains'), tie('text')).map(
      ([a, method, b]) => `${a}.${method}(${b})`,
    ),
  ),
}));

function pair(
  left: Arbitrary<string>,
  right: Arbitrary<string>,
  operator: Arbitrary<string>,
): Arbitrary<string> {
  return tuple(left, operator, right).map(([a, sign, b]) => `(${a} ${sign} ${b})`);
}

/** The value of a condition, or that it failed: of several reasons each way meets another one first. */
function outcome(source: string): unknown {
  const compiled = environment.compile(source, { result: 'bool' });
  if (!compiled.ok) throw new Error(`${source}: ${JSON.stringify(compiled.problems)}`);
  try {
    return compiled.expression.evaluate(scope);
  } catch (error) {
    return isEngineError(error) ? 'failed' : error;
  }
}

test('what is evaluated directly has the outcome that the CEL package gives', () => {
  assert(
    property(bool, (source) => {
      // A macro is left to the package, with all that stands beside it.
      const byPackage = `${source} || [false].exists(x, x)`;
      expect(outcome(source)).toEqual(outcome(byPackage));
    }),
    { numRuns: examples(2_000) },
  );
});

test.for([
  ['a failing left side does not matter if the right one decides', 'age("") > 1 || true', true],
  ['nor for a conjunction', 'age("") > 1 && false', false],
  ['a right side is not asked if the left one decides', 'true || age("") > 1', true],
] as const)('%s', ([, source, value]) => {
  expect(outcome(source)).toBe(value);
});

test('a million simple conditions take less than two seconds', () => {
  const compiled = environment.compile('type == "ADT_A01" && field("PV1-2") == "I"', {
    result: 'bool',
  });
  const began = processorTime();
  let fired = 0;
  for (let turn = 0; turn < 1_000_000; turn++) {
    if (compiled.ok && compiled.expression.evaluate(scope)) fired++;
  }
  expect(fired).toBe(1_000_000);
  expect(processorTime() - began).toBeLessThan(2_000);
});
