import { EngineError } from '../../error/engine-error.ts';
import { DeclarativeTransform } from '../declarative-transform.ts';
import { doSteps, type Work } from '../work.ts';
import type { StepKind } from './step-reader.ts';

/** Deeper than any production nests them; circular calls are found when the production is checked. */
const DEPTH = 16;

/**
 * `{ call: common-header }`: runs the steps of another declarative transform here; its `start` and
 * `type` are ignored.
 */
export const callStep: StepKind = {
  keys: ['call'],
  help: 'Runs the steps of another declarative transform here; its start and type are ignored.',
  read(given, context) {
    const names = given
      .at('call')
      .items()
      .flatMap((one) => one.name('transform', 'call') ?? []);
    for (const name of names) context.calls(name);
    return (work) => {
      for (const name of names) call(name, work);
    };
  },
};

function call(name: string, work: Work): void {
  const { run } = work;
  const called = run.transform(name);
  if (!(called instanceof DeclarativeTransform)) {
    throw new EngineError('TRANSFORM_FAILED', `${name} has no steps and cannot be called`);
  }
  if (run.depth >= DEPTH) {
    throw new EngineError('TRANSFORM_FAILED', `${name} calls itself through others`);
  }
  run.depth++;
  doSteps(called.declaration.steps, work);
  run.depth--;
}
