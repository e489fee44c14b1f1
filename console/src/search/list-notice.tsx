import type { ReactElement } from 'react';
import { CopyButton } from '../element/copy-button.tsx';
import { Warning } from '../element/notice.tsx';
import { listAt, TEXTS_LIMIT } from '../element/pasted-list.ts';
import { t } from '../language/translate.ts';

/** How many of those that were not found are named. */
const NAMED = 5;

/** What a person must know of a pasted list: of whom nothing is known, and what was not looked for. */
export function ListNotice({
  list,
  missing,
}: {
  readonly list: string | undefined;
  readonly missing: readonly string[];
}): ReactElement | null {
  if (list === undefined) return null;
  const texts = listAt(list);
  if (texts === undefined) {
    return (
      <div className="px-4 pt-2">
        <Warning>
          {t('This list is kept in the tab that it was pasted into. Paste it here once more.')}
        </Warning>
      </div>
    );
  }
  if (missing.length === 0 && texts.length <= TEXTS_LIMIT) return null;
  const named = missing.slice(0, NAMED).join(', ');
  return (
    <div className="flex flex-col gap-2 px-4 py-1.5">
      {texts.length > TEXTS_LIMIT && (
        <Warning>
          {t('Only the first {most} of {count} ids were looked for: paste the rest afterwards.', {
            most: TEXTS_LIMIT,
            count: texts.length,
          })}
        </Warning>
      )}
      {missing.length > 0 && (
        <div role="status" className="flex items-center gap-1 text-xs text-warn">
          <span className="min-w-0 truncate">
            {t('Not found, {count} of {total}:', {
              count: missing.length,
              total: Math.min(texts.length, TEXTS_LIMIT),
            })}{' '}
            <span className="font-mono">
              {named}
              {missing.length > NAMED ? ' …' : ''}
            </span>
          </span>
          <CopyButton text={missing.join('\n')} label={t('Copy those that were not found')} />
        </div>
      )}
    </div>
  );
}
