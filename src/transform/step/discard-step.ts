import type { StepKind } from './step-reader.ts';

/** `{ discard: CONDITION }`: makes no message at all if the condition is true. */
export const discardStep: StepKind = {
  keys: ['discard'],
  help: 'Makes no message at all if the condition is true.',
  read(given) {
    const condition = given.at('discard').expression('discard', 'bool');
    if (condition === undefined) return undefined;
    return ({ run, scope }) => {
      run.discarded ||= condition.evaluate(scope);
    };
  },
};
