import { Link } from '@tanstack/react-router';
import { ChevronLeft, ChevronRight } from 'lucide-react';
import type { ReactElement } from 'react';
import { Button, buttonStyle } from '../element/button.tsx';
import { count } from '../element/time-text.ts';
import { type Neighbours, useNeighbourKeys } from './last-found.ts';

interface FoundStepsProps {
  readonly neighbours: Neighbours | undefined;
  readonly onGo: (id: number) => void;
}

/** Goes through what the search found, one after the other, and back to it. Nothing where one did not come from a search. */
export function FoundSteps({ neighbours, onGo }: FoundStepsProps): ReactElement | null {
  useNeighbourKeys(neighbours, onGo);
  if (neighbours === undefined) return null;
  const { search, place, of, before, after } = neighbours;
  return (
    <div className="flex items-center gap-1" role="group" aria-label="What the search found">
      <Button
        className="!px-1.5"
        aria-label="Previous found"
        title="Previous found (p)"
        disabled={before === undefined}
        onClick={() => before !== undefined && onGo(before)}
      >
        <ChevronLeft size={14} aria-hidden="true" />
      </Button>
      <Link
        to="/messages"
        search={search}
        className={buttonStyle('quiet')}
        title="Back to the search"
      >
        {count(place)} of {count(of)}
      </Link>
      <Button
        className="!px-1.5"
        aria-label="Next found"
        title="Next found (n)"
        disabled={after === undefined}
        onClick={() => after !== undefined && onGo(after)}
      >
        <ChevronRight size={14} aria-hidden="true" />
      </Button>
    </div>
  );
}
