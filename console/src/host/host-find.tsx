import type { ReactElement } from 'react';
import { INPUT } from '../element/field.tsx';
import { t } from '../language/translate.ts';

/** From this many hosts on one is searched for, not looked for. */
const MANY = 30;

/** Finds some of many hosts while one types; nothing where there are few. */
export function HostFind({
  found,
  total,
  find,
  onFind,
}: {
  readonly found: number;
  readonly total: number;
  readonly find: string | undefined;
  readonly onFind: (text: string | undefined) => void;
}): ReactElement | null {
  if (total <= MANY && find === undefined) return null;
  return (
    <div className="flex items-center gap-2 border-b border-line px-3 py-1.5">
      <input
        type="search"
        aria-label={t('Find a host by name or title')}
        placeholder={t('Find a host by name or title')}
        defaultValue={find ?? ''}
        onChange={({ target }) => onFind(target.value || undefined)}
        className={`${INPUT} !w-64`}
        spellCheck={false}
      />
      <span className="text-xs text-ink-2" role="status">
        {t('{count} of {total}', { count: found, total })}
      </span>
    </div>
  );
}
