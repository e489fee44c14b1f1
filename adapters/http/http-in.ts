import { inbound, type Lent, type Step, stepFailure } from 'waybill/adapter';
import { joinListener, tryCallers, tryListening } from 'waybill/peer';
import { Endpoint } from './endpoint.ts';
import { httpInSettings } from './http-in-settings.ts';
import { httpInFaults, httpInSharing, operationsOf } from './operations-of.ts';

export default inbound({
  type: 'http-in',
  title: 'HTTP and REST, listening',
  summary:
    'Accepts messages at a web address, checks who sends them and their content, and answers.',
  settings: httpInSettings,
  sharing: (settings) => httpInSharing(settings),
  async open(lent) {
    const { path, callers, openapi } = lent.settings;
    const operations = await operationsOf(lent);
    const membership = await joinListener(lent, new Endpoint(lent, operations));
    const isOpen = callers.length === 0 && openapi === undefined;
    lent.connection(
      'listening',
      `${membership.place}${path.source}${isOpen ? ', everybody may call' : ''}`,
    );
    return { close: () => membership.leave() };
  },
  check: (settings) => httpInFaults(settings),
  test: (lent, step) => tryHttpIn(lent, step),
});

/** Turns errors of the engine into failures of a step. */
async function plainly<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw stepFailure(error);
  }
}

/**
 * Checks that the port is free, the certificate works, the documents can be read, and the means of
 * checking callers exist.
 */
async function tryHttpIn(lent: Lent<typeof httpInSettings>, step: Step): Promise<void> {
  const { settings } = lent;
  await tryListening(lent, step, settings);
  await step('path', (detail) =>
    plainly(async () => {
      const operations = await operationsOf(lent);
      const open = operations.filter(({ access }) => access.length === 0).length;
      detail(`${operations.length} operations, ${open} of them open to everybody`);
    }),
  );
  await tryCallers(lent, step, settings.callers);
}
