import { nearest } from '../error/nearest.ts';
import type { Given } from '../expression/given.ts';
import { appendStep, insertStep } from './step/add-segment-step.ts';
import { callStep } from './step/call-step.ts';
import { copyStep } from './step/copy-step.ts';
import { discardStep } from './step/discard-step.ts';
import { eachStep } from './step/each-step.ts';
import { ifStep } from './step/if-step.ts';
import { removeStep } from './step/remove-step.ts';
import { setStep } from './step/set-step.ts';
import type { StepContext, StepKind } from './step/step-reader.ts';
import type { Step } from './work.ts';

/** Every kind of step; one that is added here is part of the grammar. */
export const stepKinds: readonly StepKind[] = [
  setStep,
  copyStep,
  removeStep,
  eachStep,
  appendStep,
  insertStep,
  ifStep,
  callStep,
  discardStep,
];

const NAMES = stepKinds.map(({ keys }) => keys[0]);

/** Reads a list of steps. `label` is that of the enclosing step: `step 3` gives `step 3.1`. */
export function readSteps(
  given: Given,
  context: Omit<StepContext, 'steps'>,
  label: string,
): readonly Step[] {
  if (!Array.isArray(given.value)) {
    given.wrong(
      given.isAbsent
        ? 'steps is missing: a list, such as [{ set: MSH-3, value: WAYBILL }].'
        : 'steps must be a list.',
    );
    return [];
  }
  const separator = label === '' ? 'step ' : `${label}.`;
  return given.items().flatMap((one, index) => readStep(one, context, `${separator}${index + 1}`));
}

function readStep(given: Given, context: Omit<StepContext, 'steps'>, label: string): Step[] {
  const kind = kindOf(given);
  if (kind === undefined) return [];
  const [name] = kind.keys;
  given.block(`The ${name} step`, [...kind.keys, 'when', 'comment']);
  const inner: StepContext = { ...context, steps: (steps, at) => readSteps(steps, context, at) };
  const run = kind.read(given, inner, label);
  const when = kind.ownCondition === true ? undefined : given.at('when').condition();
  if (run === undefined) return [];
  const { value } = given.at(name);
  const what = typeof value === 'string' ? `${name} ${value}` : name;
  const conditional: Step['run'] =
    when === undefined
      ? run
      : (work) => {
          if (when.evaluate(work.scope)) run(work);
        };
  return [{ label: `${label} (${what})`, run: conditional }];
}

function kindOf(given: Given): StepKind | undefined {
  const entries = given.mapping('A step');
  if (entries === undefined) return undefined;
  const keys = entries.map(([key]) => key);
  const kind = stepKinds.find(({ keys: [name] }) => keys.includes(name));
  if (kind === undefined) {
    const near = keys.map((key) => nearest(key, NAMES)).find((name) => name !== undefined);
    const hint =
      near === undefined ? `A step begins with ${NAMES.join(', ')}.` : `Did you mean ${near}?`;
    given.wrong(`A step needs to say what it does. ${hint}`);
  }
  return kind;
}
