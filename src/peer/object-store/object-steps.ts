import { explained } from '../../adapter/adapter.ts';
import type { Step } from '../../adapter/test-step.ts';
import { dropSteps } from '../folder/folder-steps.ts';
import type { ObjectLine } from './object-line.ts';
import type { ObjectDropValues } from './object-settings.ts';
import type { ObjectStore } from './object-store.ts';

/** The last steps of a connection test: `bucket` or what else holds objects, with the sign-in, and those of `more`. */
export async function objectSteps<Store extends ObjectStore>(
  line: ObjectLine<Store>,
  step: Step,
  place: { readonly step: string; readonly name: string; readonly as: string },
  more: (store: Store, step: Step) => Promise<void>,
): Promise<void> {
  const told: Step = (name, run) => step(name, (detail) => explained(async () => run(detail)));
  try {
    await told(place.step, async (detail) => {
      await line.use(() => Promise.resolve());
      detail(`${place.name} may be listed, signed in ${place.as}`);
    });
    await line.use((store) => more(store, told));
  } finally {
    await line.close();
  }
}

/** The steps of a test for writing objects. */
export const objectDropSteps = (
  store: ObjectStore,
  step: Step,
  settings: Pick<ObjectDropValues, 'folder'>,
): Promise<void> => dropSteps(store, step, { ...settings, temporary: '.*.part' });
