import type { Lent } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import type { FoundFile } from './file-scan.ts';

type State = Pick<FoundFile, 'path' | 'relative' | 'size' | 'modified'>;

/** Tells operators about a file once, and again only when it has changed: there is a look every few seconds. */
export interface Notices {
  about(file: State, level: 'warn' | 'error', name: string, text: string): void;
  /** Whether that was the last thing reported about the file in its present state. */
  was(file: State, name: string): boolean;
  /** Forgets files that are gone, so that a new one of the same name is reported. */
  keepOnly(files: readonly Pick<FoundFile, 'path'>[]): void;
}

const state = ({ size, modified }: Pick<State, 'size' | 'modified'>, name: string): string =>
  `${name} ${size} ${modified}`;

export function notices(event: Lent<Settings>['event']): Notices {
  const told = new Map<string, string>();
  return {
    about(file, level, name, text) {
      if (told.get(file.path) === state(file, name)) return;
      told.set(file.path, state(file, name));
      event(level, name, text, file.relative);
    },
    was: (file, name) => told.get(file.path) === state(file, name),
    keepOnly(files) {
      if (told.size === 0) return;
      const gone = new Set(told.keys());
      for (const { path } of files) gone.delete(path);
      for (const path of gone) told.delete(path);
    },
  };
}
