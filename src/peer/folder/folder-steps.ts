import type { Step } from '../../adapter/test-step.ts';
import type { DropValues } from './drop-settings.ts';
import { type FileStore, isFileProblem } from './file-store.ts';
import type { PickupValues } from './pickup-settings.ts';
import { tryWriting } from './try-writing.ts';

/** The last steps of a connection test for picking up: the folder, and whether taken files can be cleared away. */
export async function pickupSteps(
  store: FileStore,
  step: Step,
  { folder, keep, archive, failed }: Pick<PickupValues, 'folder' | 'keep' | 'archive' | 'failed'>,
): Promise<void> {
  await pathStep(store, step, folder);
  await step('permission', async (detail) => {
    if (keep) return detail('files are only read');
    await tryWriting(store, folder, '.*.part');
    const said = [
      `files in ${named(folder)} can be ${archive === undefined ? 'deleted' : 'moved'}`,
    ];
    for (const away of new Set([archive, failed])) {
      if (away !== undefined) said.push(await awayState(store, away));
    }
    detail(said.join('; '));
  });
}

/** Whether files can be put where taken or refused ones go; a missing folder is created with the first one. */
async function awayState(store: FileStore, folder: string): Promise<string> {
  try {
    await tryWriting(store, folder, '.*.part');
    return `${folder} accepts them`;
  } catch (error) {
    if (!isFileProblem(error, 'missing')) throw error;
    return `${folder} does not exist yet, and is created with the first`;
  }
}

/** The last steps of a connection test for dropping: the folder, and whether files can be put there. */
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
