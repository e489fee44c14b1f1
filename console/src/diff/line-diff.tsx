import type { ReactElement } from 'react';
import type { LineDifference } from '../../../src/api/contract/body.ts';
import { CHANGE_NAMES } from '../element/names.ts';
import { t } from '../language/translate.ts';

const LOOKS = {
  added: { sign: '+', style: 'bg-good-soft' },
  removed: { sign: '−', style: 'bg-bad-soft' },
  same: { sign: ' ', style: '' },
} as const satisfies Record<LineDifference['change'], unknown>;

/** Differences line by line, for bodies that are not HL7. */
export function LineDiff({
  lines,
  bare = false,
}: {
  readonly lines: readonly LineDifference[];
  /** Inside of something that has a frame. */
  readonly bare?: boolean;
}): ReactElement {
  return (
    <pre
      className={`overflow-x-auto py-1 font-mono text-xs leading-5 ${bare ? '' : 'rounded-lg border border-line bg-surface'}`}
      tabIndex={0}
      aria-label={t('Differences by line')}
    >
      {lines.map(({ change, text, before, after }) => {
        const { sign, style } = LOOKS[change];
        return (
          <div key={`${before ?? ''} ${after ?? ''}`} className={`flex ${style}`}>
            <span className="w-10 shrink-0 pr-2 text-right text-ink-2 select-none">{before}</span>
            <span className="w-10 shrink-0 pr-2 text-right text-ink-2 select-none">{after}</span>
            <span className="w-4 shrink-0 text-center">
              {sign}
              <span className="sr-only">{change === 'same' ? '' : CHANGE_NAMES[change]}</span>
            </span>
            <code className="pr-3 whitespace-pre-wrap">{text}</code>
          </div>
        );
      })}
    </pre>
  );
}
