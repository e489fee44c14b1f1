import { type Lent, type Step, stepFailure } from 'waybill/adapter';
import { tryListening } from 'waybill/peer';
import type { httpInSettings } from './http-in-settings.ts';
import { operationsOf } from './operations-of.ts';

/** Errors of the engine as failures of a step. */
async function plainly<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw stepFailure(error);
  }
}

/** Whether the port can be had, the certificate serves, the documents can be read, and what callers are checked with is there. */
export async function tryHttpIn(lent: Lent<typeof httpInSettings>, step: Step): Promise<void> {
  const { settings, credential, verifier } = lent;
  await tryListening(lent, step, settings);
  await step('path', (detail) =>
    plainly(async () => {
      const operations = await operationsOf(lent);
      const open = operations.filter(({ access }) => access.length === 0).length;
      detail(`${operations.length} operations, ${open} of them for everybody`);
    }),
  );
  const callers = settings.callers.filter((one) => one !== undefined);
  if (callers.length === 0) return;
  await step('sign-in', (detail) =>
    plainly(async () => {
      const names = callers.flatMap((one) => one.credentials);
      await Promise.all(names.map((name) => credential(name)));
      const verifiers = callers.flatMap((one) => one.verifier ?? []);
      await Promise.all(verifiers.map((name) => verifier(name)));
      detail(`${names.length} credentials and ${verifiers.length} verifiers can be read`);
    }),
  );
}
