import type { Step } from '../test-step.ts';
import type { DropValues } from './drop-settings.ts';
import type { FileStore } from './file-store.ts';
import type { PickupValues } from './pickup-settings.ts';
import { tryWriting } from './try-writing.ts';

/** The last steps of a connection test of picking up: the folder, and whether taken files can be cleared away. */
export async function pickupSteps(
  store: FileStore,
  step: Step,
  { folder, keep, archive }: Pick<PickupValues, 'folder' | 'keep' | 'archive'>,
): Promise<void> {
  await pathStep(store, step, folder);
  await step('permission', async (detail) => {
    if (keep) return detail('files are only read');
    await tryWriting(store, folder, '.*.part');
    detail(`files in ${named(folder)} can be ${archive === undefined ? 'deleted' : 'moved'}`);
  });
}

/** The last steps of a connection test of dropping: the folder, and whether files can be put there. */
export async function dropSteps(
  store: FileStore,
  step: Step,
  { folder, temporary }: Pick<DropValues, 'folder' | 'temporary'>,
): Promise<void> {
  await pathStep(store, step, folder.top);
  await step('permission', async (detail) => {
    if (!folder.isFixed) return detail('not tried: the folder depends on the message');
    await tryWriting(store, folder.top, temporary);
    detail('a temporary file could be written and deleted');
  });
}

async function pathStep(store: FileStore, step: Step, folder: string): Promise<void> {
  await step('path', async (detail) => {
    const entries = await store.list(folder);
    detail(
      `${named(folder)} holds ${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}`,
    );
  });
}

const named = (folder: string): string => (folder === '' ? 'the start folder' : folder);
