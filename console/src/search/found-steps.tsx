import { Link } from '@tanstack/react-router';
import { ChevronLeft, ChevronRight } from 'lucide-react';
import type { ReactElement } from 'react';
import { Button, buttonStyle } from '../element/button.tsx';
import { t } from '../language/translate.ts';
import { type Neighbours, useNeighbourKeys } from './last-found.ts';

interface FoundStepsProps {
  readonly neighbours: Neighbours | undefined;
  readonly onGo: (id: number) => void;
}

/** Steps through the search results, and back to the search. Nothing if the user did not come from a search. */
export function FoundSteps({ neighbours, onGo }: FoundStepsProps): ReactElement | null {
  useNeighbourKeys(neighbours, onGo);
  if (neighbours === undefined) return null;
  const { search, place, of, before, after } = neighbours;
  return (
    <div className="flex items-center gap-1" role="group" aria-label={t('What the search found')}>
      <Button
        className="!px-1.5"
        aria-label={t('Previous found')}
        title={t('Previous found (p)')}
        disabled={before === undefined}
        onClick={() => before !== undefined && onGo(before)}
      >
        <ChevronLeft size={14} aria-hidden="true" />
      </Button>
      <Link
        to="/messages"
        search={search}
        className={buttonStyle('quiet')}
        title={t('Back to the search')}
      >
        {t('{place} of {count}', { place, count: of })}
      </Link>
      <Button
        className="!px-1.5"
        aria-label={t('Next found')}
        title={t('Next found (n)')}
        disabled={after === undefined}
        onClick={() => after !== undefined && onGo(after)}
      >
        <ChevronRight size={14} aria-hidden="true" />
      </Button>
    </div>
  );
}
