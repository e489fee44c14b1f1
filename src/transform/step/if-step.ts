import { doSteps } from '../work.ts';
import type { StepKind } from './step-reader.ts';

/** `{ if: CONDITION, then: [ … ], else: [ … ] }` */
export const ifStep: StepKind = {
  keys: ['if', 'then', 'else'],
  help: 'Runs some steps if a condition is true, others if it is not.',
  read(given, context, label) {
    const condition = given.at('if').expression('if', 'bool');
    const then = context.steps(given.at('then'), label);
    const otherwise = given.at('else').isAbsent ? [] : context.steps(given.at('else'), label);
    if (condition === undefined) return undefined;
    return (work) => doSteps(condition.evaluate(work.scope) ? then : otherwise, work);
  },
};
