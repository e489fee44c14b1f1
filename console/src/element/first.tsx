import { type ReactElement, useState } from 'react';
import { t } from '../language/translate.ts';
import { Button } from './button.tsx';

/** Rows at a time: thousands at once would hold up the page. */
const STEP = 100;

/** The first of many rows, and a button for more, undefined if there are none. */
export function useFirst<Item>(items: readonly Item[]): {
  readonly first: readonly Item[];
  readonly more: ReactElement | undefined;
} {
  const [many, setMany] = useState(STEP);
  const left = items.length - many;
  return {
    first: left <= 0 ? items : items.slice(0, many),
    more:
      left <= 0 ? undefined : (
        <p className="flex items-center gap-3 px-3 py-2">
          <Button onClick={() => setMany(many + STEP)}>
            {t('Show {count} more', { count: Math.min(STEP, left) })}
          </Button>
          <span className="text-xs text-ink-2">
            {t('{count} of {total}', { count: many, total: items.length })}
          </span>
        </p>
      ),
  };
}
