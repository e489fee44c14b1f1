import { useState } from 'react';
import { useMay } from '../shell/me.ts';
import type { MessageSearch } from './use-message-search.ts';

/** Which of what was found is to be acted on: some rows, or all that match, also those that are not loaded. */
export interface Marks {
  /** The marked ones among the rows. */
  readonly ids: ReadonlySet<number>;
  readonly all: boolean;
  /** Whether one may act on what is marked. */
  readonly mayMark: boolean;
  readonly toggle: (id: number) => void;
  readonly toggleAll: () => void;
}

/** Marks last as long as the search: those of another search would be acted on unseen. */
export function useMarks({ rows, criteria }: Pick<MessageSearch, 'rows' | 'criteria'>): Marks {
  const may = useMay();
  const [kept, setKept] = useState<{
    readonly criteria: unknown;
    readonly marked: ReadonlySet<number> | 'all';
  }>({ criteria, marked: NONE });
  const marked = kept.criteria === criteria ? kept.marked : NONE;
  const all = marked === 'all';
  const ids = all ? new Set(rows.map(({ id }) => id)) : marked;
  const keep = (next: ReadonlySet<number> | 'all'): void => setKept({ criteria, marked: next });
  return {
    ids,
    all,
    mayMark: may('message.bulk'),
    toggle(id) {
      const after = new Set(ids);
      if (!after.delete(id)) after.add(id);
      keep(after);
    },
    toggleAll: () => keep(all ? NONE : 'all'),
  };
}

const NONE: ReadonlySet<number> = new Set();
