import { loadModule } from '../load-module.ts';
import { pathText, placeAt } from '../written/written.ts';
import type { Checking } from './reach.ts';

/** Loads the module of every code process, so that a mistake in it is seen before the first message. */
export async function checkCode({ definition, written, problems }: Checking): Promise<void> {
  for (const { name, code } of definition.processes.values()) {
    if (code === undefined) continue;
    const loaded = await loadModule(code);
    if ('exported' in loaded && typeof loaded.exported === 'function') continue;
    const { what, remedy } = 'fault' in loaded ? loaded.fault : NO_FUNCTION;
    const keys = ['processes', name, 'code'];
    problems.error(placeAt(written, keys, 'value'), pathText(keys), what, remedy);
  }
}

const NO_FUNCTION = {
  what: 'the module has no function as its default export',
  remedy: 'Write: export default defineProcess(async (message, context) => { … }).',
};
