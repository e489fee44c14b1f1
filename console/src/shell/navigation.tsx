import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { status as statusQuery } from '../api/answers.ts';
import { count as written } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { useMay } from './me.ts';
import { PLACES } from './places.ts';

/** The way to every page: a column on wide screens, a sheet on narrow ones. */
export function Navigation({
  open,
  onGo,
}: {
  readonly open: boolean;
  readonly onGo: () => void;
}): ReactElement {
  const may = useMay();
  const { data: status } = useQuery(statusQuery);
  return (
    <nav
      aria-label={t('Pages')}
      className={`overflow-y-auto border-r border-line bg-surface px-2 py-3 max-md:absolute max-md:inset-x-0 max-md:top-12 max-md:bottom-0 max-md:z-40 ${open ? '' : 'max-md:hidden'}`}
    >
      {PLACES.map((group) => (
        <ul key={group[0]?.key} className="mb-2 border-b border-line pb-2 last:border-0">
          {group
            .filter(({ permission }) => permission === undefined || may(permission))
            .map(({ to, label, icon: Icon, count }) => (
              <li key={to}>
                <Link
                  to={to}
                  onClick={onGo}
                  activeOptions={{ exact: to === '/' }}
                  className="flex h-8 items-center gap-2.5 rounded-md px-2 text-ink-2 hover:bg-hover hover:text-ink max-md:h-11"
                  activeProps={{
                    className: '!bg-selected !text-ink font-medium',
                    'aria-current': 'page',
                  }}
                >
                  <Icon size={16} aria-hidden="true" className="shrink-0" />
                  {label}
                  <Waiting many={status === undefined ? 0 : (count?.(status) ?? 0)} />
                </Link>
              </li>
            ))}
        </ul>
      ))}
    </nav>
  );
}

/** How many wait behind an entry; nothing while none does. */
function Waiting({ many }: { readonly many: number }): ReactElement | null {
  if (many === 0) return null;
  return (
    <span className="ml-auto rounded-full bg-idle-soft px-1.5 text-2xs font-medium text-idle">
      {written(many)}
    </span>
  );
}
