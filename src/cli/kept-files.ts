import { resolve } from 'node:path';
import type { Definition } from '../definition/definition.ts';
import type { CheckOrder } from '../definition/history/checked-files.ts';
import { versionStore } from '../definition/history/version-store.ts';
import { changeFiles } from '../engine/change-files.ts';
import type { AnswersOfProcess } from '../engine/engine-control.ts';
import { FileHistory } from '../engine/file-history.ts';
import type { AppliedHow, Reload } from '../engine/reload.ts';
import { describeError } from '../error/engine-error.ts';
import type { Events } from '../log/events.ts';
import type { LoadedTables } from '../lookup/loaded-tables.ts';
import { fileChecks } from './checks.ts';

/** What there is to know and to change of a production's files. */
export interface KeptFiles {
  /** Keeps what runs from now on; what cannot be kept is told and holds nothing up. */
  keep(definition: Definition, how: AppliedHow): Promise<void>;
  answers(
    reload: Reload,
  ): Pick<AnswersOfProcess, 'history' | 'files' | 'fileText' | 'checkFiles' | 'changeFiles'>;
  stop(): Promise<void>;
}

export interface KeptFilesOptions {
  readonly folder: string;
  readonly data: string;
  readonly overlays: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>> | undefined;
  readonly loaded: LoadedTables;
  readonly running: () => Definition;
  readonly events: Pick<Events, 'told'>;
}

export function keptFiles(parts: KeptFilesOptions): KeptFiles {
  const { overlays, environment, loaded, running, events } = parts;
  const folder = resolve(parts.folder);
  const history = new FileHistory({
    store: versionStore(resolve(parts.data)),
    folder,
    overlays,
    running,
  });
  const checks = fileChecks();
  return {
    async keep(definition, how) {
      try {
        await history.keep(definition, how);
      } catch (error) {
        const { text } = describeError(error);
        events.told(
          '',
          'warn',
          'version-not-kept',
          `What was applied is not in the history: ${text}`,
        );
      }
    },
    answers: (reload) => ({
      history: () => history.list(),
      files: ({ of }) => history.files(of),
      fileText: ({ of, path }) => history.text(of, path),
      async checkFiles(order: CheckOrder) {
        const { before, after } = await history.contents(order);
        const tests = order.tests ?? false;
        return checks.check({
          folder,
          before,
          after,
          tests,
          overlays,
          environment,
          loaded: loaded.all(),
        });
      },
      changeFiles: (order) => changeFiles({ folder, history, reload, events }, order),
    }),
    stop: () => checks.stop(),
  };
}
