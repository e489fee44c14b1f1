import { explained, type Lent } from '../../../adapter/adapter.ts';
import type { Settings } from '../../../adapter/setting.ts';
import type { Step } from '../../../adapter/test-step.ts';
import type { CallerValues } from './caller-settings.ts';

/** The step `sign-in` of a service's connection test: whether the means of checking its callers exist. */
export async function tryCallers(
  { credential, verifier }: Pick<Lent<Settings>, 'credential' | 'verifier'>,
  step: Step,
  entries: readonly (CallerValues | undefined)[],
): Promise<void> {
  const callers = entries.filter((one) => one !== undefined);
  if (callers.length === 0) return;
  await step('sign-in', (detail) =>
    explained(async () => {
      const names = callers.flatMap((one) => one.credentials);
      await Promise.all(names.map((name) => credential(name)));
      const verifiers = callers.flatMap((one) => one.verifier ?? []);
      await Promise.all(verifiers.map((name) => verifier(name)));
      detail(`${names.length} credentials and ${verifiers.length} verifiers can be read`);
    }),
  );
}
