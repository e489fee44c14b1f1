import type { ReactElement } from 'react';
import { t } from '../language/translate.ts';
import { Button } from './button.tsx';

interface ShowOlderProps {
  /** A query in which each page is older than the previous one. */
  readonly pages: {
    readonly hasNextPage: boolean;
    readonly isFetchingNextPage: boolean;
    readonly fetchNextPage: () => unknown;
  };
}

/** Below a list, while there is more of it. */
export function ShowOlder({ pages }: ShowOlderProps): ReactElement | null {
  if (!pages.hasNextPage) return null;
  return (
    <Button
      className="mt-3"
      disabled={pages.isFetchingNextPage}
      onClick={() => void pages.fetchNextPage()}
    >
      {t('Show older')}
    </Button>
  );
}
