import { useState } from 'react';
import type { DraftRequest } from '../../../src/api/contract/files.ts';
import { PRODUCTION } from '../api/client.ts';

export type Edit = DraftRequest['edits'][number];

/** The changed files that have not been sent, by path. */
export interface Edits {
  readonly all: readonly Edit[];
  readonly of: (path: string) => Edit | undefined;
  readonly put: (edit: Edit) => void;
  readonly drop: (path: string) => void;
  readonly clear: () => void;
}

const KEY = `waybill.edits${PRODUCTION ?? ''}`;

/** They are stored in the tab, so that a reload or another sign-in loses nothing. */
export function useEdits(): Edits {
  const [all, setAll] = useState<readonly Edit[]>(kept);
  const set = (next: readonly Edit[]): void => {
    setAll(next);
    try {
      sessionStorage.setItem(KEY, JSON.stringify(next));
    } catch {
      // without storage they last until the page is loaded again
    }
  };
  const others = (path: string): readonly Edit[] => all.filter((one) => one.path !== path);
  return {
    all,
    of: (path) => all.find((one) => one.path === path),
    put: (edit) => set([...others(edit.path), edit]),
    drop: (path) => set(others(path)),
    clear: () => set([]),
  };
}

function kept(): readonly Edit[] {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as readonly Edit[];
  } catch {
    // storage is switched off, or contains something else
    return [];
  }
}
