import { posix } from 'node:path';
import { DisableError } from '../../error/adapter-error.ts';
import { describeDuration } from '../../time/duration.ts';
import { scanFolder } from './file-scan.ts';
import type { FileStore } from './file-store.ts';
import { Look, type PickupLent } from './look.ts';
import { notices } from './notices.ts';
import type { PickupValues } from './pickup-settings.ts';
import { stillness } from './stillness.ts';
import { type TakenFiles, takenFiles } from './taken-files.ts';

/** Picks up the files of a folder by the rules of its settings. One per open adapter. */
export interface Pickup {
  /**
   * Looks once and delivers what is ready, one file after another. Throws NotConnectedError and any
   * other error that prevents reading the whole folder; problems of one file are reported and do
   * not hold up the others. A message that the engine cannot accept now ends the look.
   */
  look(store: FileStore, signal: AbortSignal): Promise<void>;
}

/**
 * Every file is delivered with its name, size and time as `dedupeKey`, and noted in the service's
 * memory before it is removed. So a crash at any point leaves it either untouched, or known as
 * taken and only to be removed; between the engine's answer and that note, the production's
 * duplicate window covers it.
 *
 * `origin` is shown in the trace as where files come from: `sftp://lab.example:22`.
 */
export function pickup(settings: PickupValues, lent: PickupLent, origin: string): Pickup {
  refuseContradictions(settings);
  const still = stillness(settings.stable, ({ relative }, changing) => {
    const text = `${relative} has been changing for ${describeDuration(changing)}. It is taken once it has been left alone for ${describeDuration(settings.stable)} (stable): a program that writes all the time has to begin another file now and then.`;
    lent.event('warn', 'file-restless', text, relative);
  });
  const told = notices(lent.event);
  const without = [settings.archive, settings.failed].flatMap((path) =>
    path === undefined ? [] : [posix.normalize(path)],
  );
  let taken: TakenFiles | undefined;
  return {
    async look(store, signal) {
      taken ??= await takenFiles(lent.memory);
      const scan = await scanFolder(store, { ...settings, without });
      await new Look({ settings, lent, origin, store, taken, told, still }).work(scan, signal);
    },
  };
}

function refuseContradictions({ folder, archive, failed, keep, batch, cut }: PickupValues): void {
  if (cut !== undefined && batch === 'whole') {
    throw new DisableError('cut makes messages of a file, and batch: whole does not: remove one');
  }
  const same = [archive, failed].some(
    (path) => path !== undefined && posix.relative(path, folder) === '',
  );
  if (same) {
    throw new DisableError(
      'archive and failed must differ from folder: files moved there would be taken again',
    );
  }
  if (keep && archive !== undefined) {
    throw new DisableError('keep leaves files where they are: remove keep, or remove archive');
  }
}
